# Batches: each element on its own, over threads.

"What a thread needs for its elements."
mutable struct Worker
    const model::Model{Float64}
    const work::StepWork
    const explicit::ExplicitWork
    const tape::Tape
    const start_bar::Vector{Float64}
    samples::Matrix{Float64}
    bars::Matrix{Float64}
end

function Worker(system::System)
    model, n = Model{Float64}(system), n_states(system)
    return Worker(model, StepWork(model), ExplicitWork(system), Tape(), zeros(n), zeros(n, 0),
        zeros(n, 0))
end

"A worker that waits keeps no more than what most calls need."
function rest!(worker::Worker)
    length(worker.tape.values) > MOST_KEPT ÷ 2 && resize!(sizehint!(worker.tape.values, 0), 0)
    return worker
end

"Room for `n` samples, and for what flows back to them."
function room!(worker::Worker, n::Int)
    size(worker.samples, 2) == n && return worker
    worker.samples, worker.bars = (zeros(size(worker.samples, 1), n) for _ in 1:2)
    return worker
end

"Column `i` of an array with one for each element, or one for all."
@inline column(a::AbstractMatrix, i::Int) = @view a[:, size(a, 2) == 1 ? 1 : i]

"""
    solve!(y, status, stats, system, protocols, theta, y0, times, options, stop)

Solve B elements: `y` (S, T, B), `status` (B), `stats` (3, B) with the steps taken, rejected and
the evaluations. `theta` is (P, 1) or (P, B), `y0` (S, 0) for the steady state, (S, 1) or (S, B);
there is one protocol or B of them. `stop[1]` is watched: set it from elsewhere to interrupt.

All go to the last of `times`, or to `ends` (one for each protocol): then samples after that are
NaN, and in current clamp the voltage on the steps taken is returned (see `all_steps`);
`limited[1]` becomes 1 where these are only the steps that cross 0 mV.
"""
function solve!(
    y::AbstractArray{Float64,3}, status, stats, system::System, protocols::Protocols,
    theta::AbstractMatrix, y0::AbstractMatrix, times::AbstractVector, options::Options, stop,
    ends::AbstractVector=NO_LIMITS, limited=[0],
)
    most, watched = MOST_STEPS ÷ size(y, 3), !isempty(ends) && !protocols.clamped
    each = watched ? [VoltageSteps(b - 1, most) for b in axes(y, 3)] : VoltageSteps[]
    rest = !in_blocks(options, size(y, 3)) ? collect(axes(y, 3)) : solve_blocks!(
        y, status, stats, system, protocols, theta, y0, times, options, stop, ends, each)
    # The method's type is known only now: everything that depends on it is behind this call.
    isempty(rest) || Base.invokelatest(solve_each!, rest, y, status, stats, system, protocols,
        theta, y0, times, algorithm(options.solver), options, stop, ends, each)
    limited[1] = any(steps -> steps.crossing, each)
    return watched ? all_steps(each) : nothing
end

"Solve the elements `which`, one by one."
function solve_each!(
    which, y, status, stats, system, protocols, theta, y0, times, alg, options, stop, ends, each
)
    each_element(() -> Worker(system), system.pool, length(which), stop) do worker, i
        b = which[i]
        model, place = bind!(worker.model, column(theta, b)), min(b, length(protocols))
        element = Element(model, protocols, place)
        start = size(y0, 2) == 0 ? start_state(element, system.v_rest) : Vector(column(y0, b))
        t1 = isempty(ends) ? last(times) : ends[place]
        samples, steps = (@view y[:, :, b]), isempty(each) ? nothing : each[b]
        outcome = integrate!(samples, times, start, element, alg, options, stop, nothing,
            worker.explicit; t1, steps)
        if is_clamped(element)
            inside = searchsortedlast(times, t1)
            commands!((@view samples[:, 1:inside]), (@view times[1:inside]), element)
        end
        status[b] = Int(outcome.status)
        stats[:, b] .= (outcome.n_steps, outcome.n_rejected, outcome.n_f_evals)
    end
    return nothing
end

"The steady state at `v`, or at the first command under voltage clamp."
function start_state(element::Element, v)
    v = is_clamped(element) ? stimulus(element.cursor, 0.0) : v
    return steady_state!(zeros(n_states(element.model.system)), v, element.model)
end

"Under voltage clamp the voltage is the command, right of where it jumps."
function commands!(samples, times, element::Element)
    cursor = element.cursor
    for (i, t) in enumerate(times)
        samples[1, i] = value_at(cursor.protocols, cursor.protocol, t)
    end
    return nothing
end

"""
A batch of K parameter sets by R recordings. `theta` is (P, K), `y0` (S, 0, 0) for the steady
state at `v0` (R), (S, R, 1) or (S, R, K); `current` tells that the current is observed, not v.
With `cells` (R) the recordings are of C cells, which have parameters of their own: `theta` is
(P, C·K) then, the cells of one set next to each other.
"""
struct Recordings
    system::System
    protocols::Protocols
    targets::Targets
    v0::Vector{Float64}
    current::Bool
    cells::Vector{Int}
end

Base.length(recordings::Recordings) = length(recordings.targets)

function checked(system::System, protocols, targets, v0, current, cells=Int[])
    current && is_black_box(system) && throw(InputError(
        "a NeuralRightHandSide has no current: give it current-clamp recordings"))
    return Recordings(system, protocols, targets, v0, current, cells)
end

given_start(y0, r::Int, k::Int) = Vector(@view y0[:, r, size(y0, 3) == 1 ? 1 : k])

"What is compared with the data, from samples; under voltage clamp they get their command."
function observed!(predicted, samples, times, element::Element, current::Bool)
    if !current
        predicted .= @view samples[1, :]
        return nothing
    end
    commands!(samples, times, element)
    model = element.model
    for i in eachindex(predicted)
        predicted[i] = ionic_current(model, @view samples[:, i])
    end
    return nothing
end

function ionic_current(model::Model, y)
    c = model.plain
    needs_rates(model.system) && rates!(c, model, y[1])
    take_states!(c.gate, y, model.system)
    return total_current(c, model, y[1])
end

"Whether currents need more of the gates than their states."
needs_rates(system::System) = any(gate -> gate.kind == INSTANTANEOUS, system.gates)

"""
Add what flows back from the current at a sample, and from the conductance, to its state and to the
parameters.
"""
function current_pullback!(
    y_bar, gradient, model::Model{T}, y, bar::T, by_conductance::T=zero(T)
) where {T}
    system, c, v = model.system, model.plain, y[1]
    again = needs_rates(system)
    again && rates!(c, model, v)
    take_states!(c.gate, y, system)
    isempty(system.unknown) || total_current(c, model, v)
    currents_pullback!(gradient, c, model, v, bar, by_conductance)
    for (g, gate) in enumerate(system.gates)
        gate.state > 0 && (y_bar[gate.state] += c.gate_bar[g])
    end
    if again
        fill!(c.a_bar, zero(T))
        fill!(c.s_bar, zero(T))
        rates_pullback!(gradient, c, model)
    end
    return nothing
end

"""
    loss_and_gradient!(each, gradient, y0_gradient, status, stats, recordings, theta, y0, loss,
        options, stop, ends)

Loss of every recording, `each` (R, K), and the gradient of their mean, that of `theta` and, where
`y0` is given, (S, R, K). Where a solve failed the loss is Inf and the gradient of its set zero.
"""
function loss_and_gradient!(
    each, gradient, y0_gradient, status, stats, recordings::Recordings, theta, y0, loss::Loss,
    options::Options, stop, ends::Ends=NO_ENDS,
)
    alg = algorithm(options.solver)
    return Base.invokelatest(gradient_all!, each, gradient, y0_gradient, status, stats, recordings,
        theta, y0, loss, alg, options, stop, ends)
end

function gradient_all!(
    each, gradient, y0_gradient, status, stats, recordings, theta, y0, loss, alg, options, stop,
    ends,
)
    (n, sets), cells = size(status), recordings.cells
    parts = zeros(size(theta, 1), n, sets)
    make() = Worker(recordings.system)
    each_element(make, recordings.system.pool, n * sets, stop) do worker, i
        r, k = (i - 1) % n + 1, (i - 1) ÷ n + 1
        start = size(y0, 2) == 0 ? nothing : given_start(y0, r, k)
        bind!(worker.model, @view theta[:, column_of(theta, cells, r, k, sets)])
        value, outcome = element_gradient!((@view parts[:, r, k]), worker, recordings, r, k, start,
            loss, alg, options, stop, ends)
        start === nothing || (y0_gradient[:, r, k] .= worker.start_bar ./ n)
        each[r, k], ended = judged(value, outcome)
        status[r, k] = Int(ended)
        stats[:, r, k] .= (outcome.n_steps, outcome.n_rejected, outcome.n_f_evals)
    end
    # Summed in one order whatever the threads did: the same call gives the same bits.
    gradient .= 0
    for k in 1:sets, r in 1:n
        gradient[:, column_of(gradient, cells, r, k, sets)] .+= (@view parts[:, r, k]) ./ n
    end
    no_gradient_of_failures!(gradient, y0_gradient, status)
    return nothing
end

"Zero gradients of the parameter sets of which any recording failed."
function no_gradient_of_failures!(gradient, y0_gradient, status)
    count = size(gradient, 2) ÷ size(status, 2)
    for k in axes(status, 2)
        any(!=(0), @view status[:, k]) || continue
        gradient[:, ((k - 1) * count + 1):(k * count)] .= 0
        isempty(y0_gradient) || (y0_gradient[:, :, k] .= 0)
    end
    return nothing
end

"Of a solve that went well with a loss that is not finite: the loss is Inf and the status says so."
function judged(value, outcome::Outcome)
    outcome.status == SUCCESS || return Inf, outcome.status
    return isfinite(value) ? (value, SUCCESS) : (Inf, NONFINITE)
end

"Loss of one recording and its gradient, into `gradient` and `worker.start_bar`."
function element_gradient!(
    gradient, worker::Worker, recordings::Recordings, r::Int, k::Int, start, loss, alg, options,
    stop, ends::Ends,
)
    system, targets, model = recordings.system, recordings.targets, worker.model
    element = Element(model, recordings.protocols, r)
    times = targets.t[r]
    y0 = start === nothing ? start_state(element, recordings.v0[r]) : start
    samples, bars = room!(worker, length(times)).samples, worker.bars
    tape = empty!(worker.tape)
    outcome = integrate!(samples, times, y0, element, alg, options, stop, tape, worker.explicit)
    fill!(worker.start_bar, 0)
    outcome.status == SUCCESS || return Inf, outcome
    value = sample_bars!(bars, gradient, samples, recordings, r, element, loss)
    value += end_bars!(bars, samples, ends, r, k, is_clamped(element))
    adjoint!(worker.start_bar, gradient, bars, samples, times, tape, element, worker.work)
    start === nothing && steady_state_pullback!(gradient, y0[1], worker.start_bar, model)
    return value, outcome
end

"Loss of the samples of recording `r`; what flows back from it to them into `bars` (S, T)."
function sample_bars!(
    bars, gradient, samples, recordings::Recordings, r::Int, element::Element, loss::Loss
)
    n = size(samples, 2)
    fill!(bars, 0)
    predicted, by_sample = zeros(n), zeros(n)
    observed!(predicted, samples, recordings.targets.t[r], element, recordings.current)
    v_clip = recordings.current ? Inf : loss.v_clip
    value = loss!(by_sample, predicted, recordings.targets, r, loss, v_clip)
    if !recordings.current
        loss.spikes > 0 && (value += spike_loss!(by_sample, predicted, recordings.targets, r, loss))
        bars[1, :] .= by_sample
        return value
    end
    for i in findall(!=(0), by_sample)
        current_pullback!((@view bars[:, i]), gradient, element.model, (@view samples[:, i]),
            by_sample[i])
    end
    bars[1, :] .= 0
    return value
end

"""
    predict!(predicted, status, recordings, theta, y0, options, stop)

What each recording should have observed, one after the other: `predicted` (N, K).
"""
function predict!(predicted, status, recordings::Recordings, theta, y0, options::Options, stop)
    alg = algorithm(options.solver)
    return Base.invokelatest(
        predict_all!, predicted, status, recordings, theta, y0, alg, options, stop)
end

function predict_all!(predicted, status, recordings, theta, y0, alg, options, stop)
    (n, sets), cells, targets = size(status), recordings.cells, recordings.targets
    make() = Worker(recordings.system)
    each_element(make, recordings.system.pool, n * sets, stop) do worker, i
        r, k = (i - 1) % n + 1, (i - 1) ÷ n + 1
        model = bind!(worker.model, @view theta[:, column_of(theta, cells, r, k, sets)])
        element = Element(model, recordings.protocols, r)
        times = targets.t[r]
        start = size(y0, 2) == 0 ? start_state(element, recordings.v0[r]) : given_start(y0, r, k)
        samples = room!(worker, length(times)).samples
        outcome = integrate!(samples, times, start, element, alg, options, stop, nothing,
            worker.explicit)
        status[r, k] = Int(outcome.status)
        into = @view predicted[samples_of(targets, r), k]
        observed!(into, samples, times, element, recordings.current)
    end
    return nothing
end
