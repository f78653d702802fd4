# Tsit5 in a loop of its own: the method, controller and dense output of OrdinaryDiffEq's, at half
# the time, because for a handful of states its general machinery costs more than the arithmetic.

"Ch. Tsitouras' pair of order 5(4), stepped here; its coefficients are those of `TSIT5`."
struct PlainTsit5 end

# Weights of the stages in the error estimate.
const TSIT5_ERROR = (-0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995,
    -0.1447110071732629, 0.5823571654525552, -0.45808210592918697, 0.015151515151515152)
const TSIT5_ROWS = ntuple(i -> ntuple(j -> TSIT5.a[i + 1, j], i), 6)
# Power p of θ of the dense output, for each stage, and a zero to make them a block.
const TSIT5_POWERS = ntuple(p -> [TSIT5.dense[p, :]; 0.0], 4)

# The proportional-integral controller of OrdinaryDiffEq, with its numbers for order 5.
const PROPORTIONAL, INTEGRAL, SAFETY, SHRINK, GROW, LEAST_ERROR = 0.14, 0.08, 0.9, 0.2, 10.0, 1e-4

"""
The memory of a step: the state, where it goes, the slopes at the stages, the tolerances, and the
range in which a sample is.
"""
struct ExplicitWork
    y::Vector{Float64}
    at::Vector{Float64}
    k::NTuple{7,Vector{Float64}}
    atol::Vector{Float64}
    low::Vector{Float64}
    high::Vector{Float64}
    weights::Vector{Float64}
end

function ExplicitWork(system::System)
    state(x=0.0) = fill(x, n_states(system))
    low, high = state(-Inf), state(Inf)
    low[findall(system.bounded)] .= 0.0
    high[findall(system.bounded)] .= 1.0
    return ExplicitWork(
        state(), state(), ntuple(_ -> state(), 7), state(1.0), low, high, zeros(8))
end

"Make it ready for a solve from `y0`."
function start!(w::ExplicitWork, y0, options::Options, system::System)
    for j in eachindex(y0)
        w.y[j] = y0[j]
        w.atol[j] = absolute(options, j, system)
    end
    return w
end

"to = y + h Σ weights·k, over the first stages"
@inline function combine!(to, y, h, k, weights::NTuple{N,Float64}, n::Int) where {N}
    # Not as vectors: the slopes have just been written one by one, and a processor waits for such
    # numbers when it is to read them as a whole.
    @inbounds for j in 1:n
        total = weights[1] * k[1][j]
        Base.Cartesian.@nexprs 6 i -> (1 < i <= N && (total = muladd(weights[i], k[i][j], total)))
        to[j] = muladd(h, total, y[j])
    end
    return nothing
end

"The right-hand side at stage `i`, and what it computed onto the tape."
@inline function stage!(w::ExplicitWork, element::Element, i::Int, y, t, constant, tape, place::Int)
    if is_clamped(element)
        slope!(w.k[i], full_state(element, y, t), 0.0, element.model, true)
    else
        u = isnan(constant) ? stimulus(element.cursor, t) : constant
        slope!(w.k[i], y, u, element.model, false)
    end
    place >= 0 || return nothing
    state = is_clamped(element) ? element.full : y
    keep!(tape.values, place + (i - 1) * record_length(element.model), state, element.model)
    return nothing
end

"One step of size `h` from `w.y` to `w.at`; the estimated error in units of the tolerance."
@inline function explicit_step!(
    w::ExplicitWork, element::Element, t, h, rtol, constant, tape, place::Int
)
    k, y, at, n = w.k, w.y, w.at, n_states(element.model.system)
    Base.Cartesian.@nexprs 6 i -> begin
        combine!(at, y, h, k, TSIT5_ROWS[i], n)
        stage!(w, element, i + 1, at, muladd(TSIT5.c[i + 1], h, t), constant, tape, place)
    end
    total = 0.0
    @inbounds for j in 1:n
        e = TSIT5_ERROR[1] * k[1][j]
        Base.Cartesian.@nexprs 6 i -> (e = muladd(TSIT5_ERROR[i + 1], k[i + 1][j], e))
        total += abs2(h * e / muladd(rtol, max(abs(y[j]), abs(at[j])), w.atol[j]))
    end
    return sqrt(total / n)
end

"A first step in the spirit of Hairer, Nørsett & Wanner, Solving ODEs I, section II.4."
function first_step(w::ExplicitWork, options::Options, n::Int, t1)
    height = steepness = 0.0
    for j in 1:n
        size = options.rtol * abs(w.y[j]) + w.atol[j]
        height += abs2(w.y[j] / size) / n
        steepness += abs2(w.k[1][j] / size) / n
    end
    steepness = max(sqrt(steepness), 1e-12)
    h = min(0.01 * sqrt(height) / steepness, steepness^(-1 / 5))
    return isfinite(h) && h > 0 ? min(h, options.dt_max, t1) : 1e-6
end

ended(status, accepted, rejected) =
    Outcome(status, accepted, rejected, 6 * (accepted + rejected) + 1)

function integrate!(
    samples, times, y0, element::Element, ::PlainTsit5, options::Options, stop, tape,
    w::ExplicitWork=ExplicitWork(element.model.system); t1=last(times), steps=nothing,
)
    next = first_samples!(samples, times, y0, element)
    t1 > 0 || return Outcome(SUCCESS, 0, 0, 0)
    all(isfinite, y0) || return Outcome(NONFINITE, 0, 0, 0)
    cursor, n, t, first_piece = element.cursor, length(y0), 0.0, element.cursor.piece
    start!(w, y0, options, element.model.system)
    width, constant = record_length(element.model), level(cursor)
    place = tape !== nothing && room!(tape, 0, 7, element.model) ? 0 : -1
    stage!(w, element, 1, w.y, t, constant, tape, place)
    h, before, accepted, rejected = first_step(w, options, n, t1), log(LEAST_ERROR), 0, 0
    while t < t1
        stop[1] == 0 || return ended(INTERRUPTED, accepted, rejected)
        accepted + rejected < step_limit(options, t, cursor.piece - first_piece) ||
            return ended(MAX_STEPS, accepted, rejected)
        GC.safepoint()
        piece_end = min(next_break(cursor), t1)
        reaches = h >= (piece_end - t) * (1 - 1e-6)
        step = reaches ? piece_end - t : h
        error = explicit_step!(w, element, t, step, options.rtol, constant, tape, place)
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
        tape === nothing || push_step!(tape, t, t_next, cursor.piece, 0x03, w.y, n, place)
        next = samples_inside!(samples, times, next, t, t_next, step, w)
        watch!(steps, w, t, step)
        factor = SAFETY * branchless_exp(INTEGRAL * before - PROPORTIONAL * logarithm)
        proposed = step * clamp(factor, SHRINK, GROW)
        # A step cut short by a breakpoint says little about the next one: never shrink for it.
        h = min(reaches ? max(h, proposed) : proposed, options.dt_max)
        before, t = max(logarithm, log(LEAST_ERROR)), t_next
        copyto!(w.y, w.at)
        copyto!(w.k[1], w.k[7])
        jumps = t >= next_break(cursor)
        while t >= next_break(cursor)
            cursor.piece += 1
        end
        # The last stage of a step is the first one of the next, unless the stimulus jumps.
        place >= 0 && (place += (jumps ? 7 : 6) * width)
        place >= 0 && (room!(tape, place, 7, element.model) || (place = -1))
        if jumps
            constant = level(cursor)
            stage!(w, element, 1, w.y, t, constant, tape, place)
        end
    end
    return ended(SUCCESS, accepted, rejected)
end

"The voltage on the step just taken from `t`."
function watch!(steps::VoltageSteps, w::ExplicitWork, t, h)
    k, p = w.k, TSIT5_POWERS
    c = ntuple(4) do power
        h * (p[power][1] * k[1][1] + p[power][2] * k[2][1] + p[power][3] * k[3][1] +
            p[power][4] * k[4][1] + p[power][5] * k[5][1] + p[power][6] * k[6][1] +
            p[power][7] * k[7][1])
    end
    push_voltage!(steps, t, h, (w.y[1], c...))
    return nothing
end

watch!(::Nothing, w::ExplicitWork, t, h) = nothing

"The samples in (t, t_next] by the polynomial inside the step; the place of the first one after."
function samples_inside!(samples, times, next::Int, t, t_next, h, w::ExplicitWork)
    k, y, weights, p = w.k, w.y, w.weights, TSIT5_POWERS
    @inbounds while next <= length(times) && times[next] <= t_next
        theta = (times[next] - t) / h
        @simd ivdep for i in 1:8
            weights[i] = theta * h * muladd(
                theta, muladd(theta, muladd(theta, p[4][i], p[3][i]), p[2][i]), p[1][i])
        end
        at_end = times[next] == t_next
        for j in axes(samples, 1)
            x = y[j]
            Base.Cartesian.@nexprs 7 i -> (x = muladd(weights[i], k[i][j], x))
            samples[j, next] = min(max(ifelse(at_end, w.at[j], x), w.low[j]), w.high[j])
        end
        next += 1
    end
    return next
end
