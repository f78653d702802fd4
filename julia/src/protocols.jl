# Stimuli for use from Julia. The Python package has many more; all of them arrive as pieces.

"A stimulus that is constant between `times` (ms): `values[i]` from `times[i]` on, `baseline` before."
struct Steps
    times::Vector{Float64}
    values::Vector{Float64}
    baseline::Float64

    function Steps(times, values; baseline=0.0)
        length(times) == length(values) && issorted(times; lt=<=) || throw(InputError(
            "Steps: give as many values as times, and times that increase"))
        return new(times, values, baseline)
    end
end

"A step to `amplitude` from `start` to `stop` (ms)."
Step(amplitude; start, stop, baseline=0.0) =
    Steps([start, stop], [baseline + amplitude, baseline]; baseline)

"Samples joined by straight lines, held before the first and after the last."
struct Sampled
    t::Vector{Float64}
    values::Vector{Float64}

    function Sampled(t, values)
        length(t) == length(values) >= 2 && issorted(t; lt=<=) || throw(InputError(
            "Sampled: give as many values as times, at least two, and times that increase"))
        return new(t, values)
    end
end

"Start, offset and slope of the pieces of a stimulus."
pieces(value::Real) = ([0.0], [Float64(value)], [0.0])

function pieces(steps::Steps)
    start = [min(0.0, first(steps.times) - 1.0); steps.times]
    return start, [steps.baseline; steps.values], zeros(length(start))
end

function pieces(sampled::Sampled)
    slope = diff(sampled.values) ./ diff(sampled.t)
    start = [min(0.0, first(sampled.t) - 1.0); sampled.t]
    return start, [first(sampled.values); sampled.values], [0.0; slope; 0.0]
end

"A current clamp: a stimulus in the unit of the neuron (µA/cm², nA or pA), positive depolarises, until `t_end` (ms)."
struct CurrentClamp{W}
    waveform::W
    t_end::Float64
end

CurrentClamp(waveform; t_end) = CurrentClamp(waveform, Float64(t_end))

"A voltage clamp: a commanded potential in mV until `t_end` (ms)."
struct VoltageClamp{W}
    waveform::W
    t_end::Float64
end

VoltageClamp(waveform; t_end) = VoltageClamp(waveform, Float64(t_end))

const Clamp = Union{CurrentClamp,VoltageClamp}

"A batch of clamps, all of one kind."
function Protocols(clamps::AbstractVector{<:Clamp})
    kinds = unique(clamp isa VoltageClamp for clamp in clamps)
    length(kinds) == 1 ||
        throw(InputError("protocols: a batch is all current clamp or all voltage clamp"))
    parts = [pieces(clamp.waveform) for clamp in clamps]
    longest, n = maximum(part -> length(part[1]), parts), length(parts)
    start, offset, slope = fill(Inf, longest, n), zeros(longest, n), zeros(longest, n)
    for (i, part) in enumerate(parts), k in eachindex(part[1])
        start[k, i], offset[k, i], slope[k, i] = part[1][k], part[2][k], part[3][k]
    end
    none() = zeros(0, longest, n)
    return Protocols(only(kinds), start, offset, slope, none(), none(), none(), none())
end
