# Tsit5 in a loop of its own: the method, controller and dense output of OrdinaryDiffEq's, a sixth
# faster, because for a handful of states its general machinery costs a third of the whole.

"Ch. Tsitouras' pair of order 5(4), stepped here; its coefficients are those of `TSIT5`."
struct PlainTsit5 end

# Weights of the stages in the error estimate.
const TSIT5_ERROR = (-0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995,
    -0.1447110071732629, 0.5823571654525552, -0.45808210592918697, 0.015151515151515152)
const TSIT5_ROWS = ntuple(i -> ntuple(j -> TSIT5.a[i + 1, j], i), 6)
const TSIT5_POWERS = ntuple(i -> ntuple(p -> TSIT5.dense[p, i], 4), 7)

# The proportional-integral controller of OrdinaryDiffEq, with its numbers for order 5.
const PROPORTIONAL, INTEGRAL, SAFETY, SHRINK, GROW, LEAST_ERROR = 0.14, 0.08, 0.9, 0.2, 10.0, 1e-4

"The memory of a step: the state, where it goes, the slopes at the stages, and the tolerances."
struct ExplicitWork
    y::Vector{Float64}
    at::Vector{Float64}
    k::NTuple{7,Vector{Float64}}
    atol::Vector{Float64}
end

function ExplicitWork(y0, options::Options)
    return ExplicitWork(
        copy(y0), similar(y0), ntuple(_ -> similar(y0), 7), absolute(options, length(y0)))
end

"to = y + h Σ weights·k, over the first stages"
@inline function combine!(to, y, h, k, weights::NTuple{N,Float64}) where {N}
    @inbounds for j in eachindex(to)
        total = weights[1] * k[1][j]
        Base.Cartesian.@nexprs 6 i -> (1 < i <= N && (total = muladd(weights[i], k[i][j], total)))
        to[j] = muladd(h, total, y[j])
    end
    return nothing
end

"One step of size `h` from `w.y` to `w.at`; the estimated error in units of the tolerance."
@inline function explicit_step!(w::ExplicitWork, f::RightHandSide, t, h, rtol)
    k, y, at = w.k, w.y, w.at
    Base.Cartesian.@nexprs 6 i -> begin
        combine!(at, y, h, k, TSIT5_ROWS[i])
        f(k[i + 1], at, nothing, muladd(TSIT5.c[i + 1], h, t))
    end
    total = 0.0
    @inbounds for j in eachindex(y)
        e = 0.0
        Base.Cartesian.@nexprs 7 i -> (e = muladd(TSIT5_ERROR[i], k[i][j], e))
        total += abs2(h * e / muladd(rtol, max(abs(y[j]), abs(at[j])), w.atol[j]))
    end
    return sqrt(total / length(y))
end

"A first step in the spirit of Hairer, Nørsett & Wanner, Solving ODEs I, section II.4."
function first_step(w::ExplicitWork, options::Options, t1)
    height = steepness = 0.0
    for j in eachindex(w.y)
        size = options.rtol * abs(w.y[j]) + w.atol[j]
        height += abs2(w.y[j] / size) / length(w.y)
        steepness += abs2(w.k[1][j] / size) / length(w.y)
    end
    steepness = max(sqrt(steepness), 1e-12)
    h = min(0.01 * sqrt(height) / steepness, steepness^(-1 / 5))
    return isfinite(h) && h > 0 ? min(h, options.dt_max, t1) : 1e-6
end

ended(status, accepted, rejected) =
    Outcome(status, accepted, rejected, 6 * (accepted + rejected) + 1)

function march!(samples, times, y0, lane::Lane, ::PlainTsit5, options::Options, stop, tape)
    next = first_samples!(samples, times, y0, lane)
    next > length(times) && return Outcome(SUCCESS, 0, 0, 0)
    all(isfinite, y0) || return Outcome(NONFINITE, 0, 0, 0)
    f, w, drive, t1, t = RightHandSide(lane), ExplicitWork(y0, options), lane.drive, last(times), 0.0
    f(w.k[1], w.y, nothing, t)
    h, before, accepted, rejected = first_step(w, options, t1), log(LEAST_ERROR), 0, 0
    while next <= length(times)
        stop[1] == 0 || return ended(INTERRUPTED, accepted, rejected)
        accepted + rejected < options.max_steps || return ended(MAX_STEPS, accepted, rejected)
        GC.safepoint()
        piece_end = min(next_break(drive), t1)
        reaches = h >= (piece_end - t) * (1 - 1e-6)
        step = reaches ? piece_end - t : h
        error = explicit_step!(w, f, t, step, options.rtol)
        # Powers of the errors of this step and the last one, by their logarithms: it is a hot loop.
        logarithm = log(max(error, 1e-30))
        if !(error <= 1)
            rejected += 1
            # A trial that overflowed says nothing of the right size but that it is smaller.
            factor = isfinite(error) ? SAFETY * exp(-PROPORTIONAL * logarithm) : SHRINK
            h = step * max(SHRINK, factor)
            h > max(16 * eps(t), 1e-32) && continue
            return ended(isfinite(error) ? STEP_UNDERFLOW : NONFINITE, accepted, rejected)
        end
        accepted += 1
        t_next = reaches ? piece_end : t + step
        tape === nothing || push_step!(tape, t, t_next, drive.piece, 0x03, w.y)
        next = samples_inside!(samples, times, next, t, t_next, step, w, lane)
        factor = SAFETY * branchless_exp(INTEGRAL * before - PROPORTIONAL * logarithm)
        proposed = step * clamp(factor, SHRINK, GROW)
        # A step cut short by a breakpoint says little about the next one: never shrink for it.
        h = min(reaches ? max(h, proposed) : proposed, options.dt_max)
        before, t = max(logarithm, log(LEAST_ERROR)), t_next
        copyto!(w.y, w.at)
        copyto!(w.k[1], w.k[7])
        if t >= next_break(drive)
            while t >= next_break(drive)
                drive.piece += 1
            end
            f(w.k[1], w.y, nothing, t)
        end
    end
    return ended(SUCCESS, accepted, rejected)
end

"The samples in (t, t_next] by the polynomial inside the step; the place of the first one after."
function samples_inside!(samples, times, next::Int, t, t_next, h, w::ExplicitWork, lane::Lane)
    k, bounded = w.k, lane.model.system.bounded
    @inbounds while next <= length(times) && times[next] <= t_next
        theta = (times[next] - t) / h
        weights = map(row -> theta * evalpoly(theta, row), TSIT5_POWERS)
        for j in eachindex(w.y)
            total = 0.0
            Base.Cartesian.@nexprs 7 i -> (total = muladd(weights[i], k[i][j], total))
            x = times[next] == t_next ? w.at[j] : muladd(h, total, w.y[j])
            samples[j, next] = bounded[j] ? clamp(x, 0.0, 1.0) : x
        end
        next += 1
    end
    return next
end
