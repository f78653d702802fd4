# Losses: how far samples are from what was measured, and the weights that go back to them.

@enum LossKind::UInt8 MSE MAE HUBER

const LOSS_KINDS = Dict("mse" => MSE, "mae" => MAE, "huber" => HUBER)

"""
The residual is (predicted - measured)/scale; `delta` is where Huber's function turns linear.
`spikes` weighs the squared errors of spike times in ms², a spike being a rise of v through
`threshold` (mV), and its counterpart at most `match_window` ms away; a spike too many counts as
`extra` that are missing. Where v is compared, what is
above `v_clip` counts as that. In clamped training on a measured v, an `observer_conductance` above
zero (mS/cm²) turns the residual of the current into that of v under an observer of that gain.
"""
struct Loss
    kind::LossKind
    delta::Float64
    spikes::Float64
    threshold::Float64
    match_window::Float64
    v_clip::Float64
    observer_conductance::Float64
    extra::Float64
end

Loss(kind::AbstractString="mse"; delta=1.0, spikes=0.0, threshold=0.0, match_window=5.0,
    v_clip=Inf, observer_conductance=0.0, extra=0.0) =
    Loss(LOSS_KINDS[choose("kind of loss", kind, keys(LOSS_KINDS))], delta, spikes, threshold,
        match_window, v_clip, observer_conductance, extra)

"Cost of a residual and its derivative."
@inline function cost(loss::Loss, r::Float64)
    loss.kind == MSE && return r * r, 2r
    loss.kind == MAE && return abs(r), Float64(sign(r))
    size = abs(r)
    size <= loss.delta && return 0.5 * r * r, r
    return loss.delta * (size - 0.5 * loss.delta), loss.delta * sign(r)
end

"""
What was measured in R recordings: times, data, and weights that sum to one over a recording, zero
where it is masked. The samples of recording r are `first[r]` to `first[r + 1] - 1` of all.
"""
struct Targets
    first::Vector{Int}
    t::Vector{Vector{Float64}}
    data::Vector{Vector{Float64}}
    weight::Vector{Vector{Float64}}
    scale::Vector{Float64}
end

Targets() = Targets([1], Vector{Float64}[], Vector{Float64}[], Vector{Float64}[], Float64[])

"Add a recording; its arrays are used as they are."
function add!(targets::Targets, t, data, weight, scale::Real)
    push!(targets.first, targets.first[end] + length(t))
    push!(targets.t, t)
    push!(targets.data, data)
    push!(targets.weight, weight)
    push!(targets.scale, scale)
    return targets
end

Base.length(targets::Targets) = length(targets.scale)
samples_of(targets::Targets, r::Int) = targets.first[r]:(targets.first[r + 1] - 1)

"""
Loss of `predicted`, the samples of recording `r`, and its derivative by each into `bars`; what is
above `v_clip` counts as that.
"""
function loss!(bars, predicted, targets::Targets, r::Int, loss::Loss, v_clip=Inf)
    total, inverse = 0.0, 1 / targets.scale[r]
    data, weights = targets.data[r], targets.weight[r]
    @inbounds for i in eachindex(data)
        weight = weights[i]
        bars[i] = 0.0
        weight == 0 && continue
        value, slope = cost(loss, (min(predicted[i], v_clip) - min(data[i], v_clip)) * inverse)
        total += weight * value
        predicted[i] <= v_clip && (bars[i] = weight * slope * inverse)
    end
    return total
end
