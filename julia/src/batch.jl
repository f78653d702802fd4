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
    rest = !in_blocks(options, size(y, 3), system) ? collect(axes(y, 3)) : solve_blocks!(
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
