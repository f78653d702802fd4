# Rates along a known voltage: evaluated at few voltages, the nodes, and spread from there to the
# steps of the recordings, because a recording has many more samples than kinetics have bends.

"""
Recordings cut into steps in which the voltage is nearly constant, end to end. The steps of
recording r are `first_step[r]` to `first_step[r + 1] - 1`; the first of them settles the gates.

The rates are evaluated at the voltages `nodes` (mV). Those of a step, which lasts `h` (ms), are the
sum of some of them (`index`, `weight`): one node where the voltages are few (`exact`), else
interpolated in their logarithms. For the samples (`targets`): `place` is the step before it,
`voltage` the voltage there. In current clamp the ionic current is averaged over neighbouring
samples by `weights` (3, N) and compared with data - c_m·`slope`; both are empty else. `cells` as
in `Recordings`.
"""
struct ClampedRecordings
    system::System
    exact::Bool
    nodes::Vector{Float64}
    index::Matrix{Int}
    weight::Matrix{Float64}
    first_step::Vector{Int}
    h::Vector{Float64}
    targets::Targets
    place::Vector{Int}
    voltage::Vector{Float64}
    weights::Matrix{Float64}
    slope::Vector{Float64}
    cells::Vector{Int}
    pool::Pool
end

Base.length(recordings::ClampedRecordings) = length(recordings.targets)

function checked_clamped(
    system::System, exact, nodes, index, weight, first_step, h, targets, place, voltage, weights,
    slope, cells=Int[],
)
    (is_black_box(system) || has_free_gates(system)) && throw(InputError(
        "mode = \"clamped\" needs gates that a known voltage drives linearly; neuron " *
        "\"$(system.name)\" has others: use mode = \"simulation\""))
    return ClampedRecordings(system, exact, nodes, index, weight, first_step, h, targets, place,
        voltage, weights, slope, cells, Pool())
end

"""
What a thread keeps of one recording: the state after each step, and the rates in it. Of the nodes:
a and s of each gate, or the logarithms of both rates, and what flows back to these.
"""
struct ClampedWorker
    model::Model{Float64}
    first::Matrix{Float64}
    second::Matrix{Float64}
    first_bar::Matrix{Float64}
    second_bar::Matrix{Float64}
    x::Matrix{Float64}
    a::Matrix{Float64}
    s::Matrix{Float64}
    x_bar::Matrix{Float64}
    state::Vector{Float64}
    state_bar::Vector{Float64}
end

function ClampedWorker(recordings::ClampedRecordings)
    steps, nodes = maximum(diff(recordings.first_step)), length(recordings.nodes)
    n, gates = n_states(recordings.system), length(recordings.system.gates)
    return ClampedWorker(Model{Float64}(recordings.system), (zeros(gates, nodes) for _ in 1:4)...,
        zeros(n, steps), zeros(gates, steps), zeros(gates, steps), zeros(n, steps), zeros(n),
        zeros(n))
end

# A rate that is lost next to the other one does no harm where it is, but its logarithm would.
least(s) = 0.1 * eps() * max(s, floatmin() / eps())

"The rates at the nodes."
function node_rates!(worker::ClampedWorker, recordings::ClampedRecordings)
    model, c = worker.model, worker.model.plain
    for (i, v) in enumerate(recordings.nodes)
        rates!(c, model, v)
        for (g, gate) in enumerate(recordings.system.gates)
            gate.state == 0 && continue
            a, s = c.a[g], c.s[g]
            worker.first[g, i] = recordings.exact ? a : log(max(a, least(s)))
            worker.second[g, i] = recordings.exact ? s : log(max(s - a, least(s)))
        end
    end
    fill!(worker.first_bar, 0)
    fill!(worker.second_bar, 0)
    return nothing
end

"Opening rate and sum of the rates of gate `g` in a step."
@inline function step_rates(worker::ClampedWorker, recordings::ClampedRecordings, g::Int, step::Int)
    index, weight = recordings.index, recordings.weight
    @inbounds begin
        recordings.exact &&
            return worker.first[g, index[1, step]], worker.second[g, index[1, step]]
        log_alpha = log_beta = 0.0
        for j in axes(index, 1)
            i, w = index[j, step], weight[j, step]
            log_alpha = muladd(w, worker.first[g, i], log_alpha)
            log_beta = muladd(w, worker.second[g, i], log_beta)
        end
        alpha, beta = exp(log_alpha), exp(log_beta)
        return alpha, alpha + beta
    end
end

"What flows back to the rates of gate `g` in a step, on to the nodes."
@inline function step_rates_back!(
    worker::ClampedWorker, recordings::ClampedRecordings, g, step, a, s, a_bar, s_bar
)
    index, weight = recordings.index, recordings.weight
    @inbounds if recordings.exact
        worker.first_bar[g, index[1, step]] += a_bar
        worker.second_bar[g, index[1, step]] += s_bar
    else
        by_alpha, by_beta = (a_bar + s_bar) * a, s_bar * (s - a)
        for j in axes(index, 1)
            i, w = index[j, step], weight[j, step]
            worker.first_bar[g, i] = muladd(w, by_alpha, worker.first_bar[g, i])
            worker.second_bar[g, i] = muladd(w, by_beta, worker.second_bar[g, i])
        end
    end
    return nothing
end

"From the nodes to the parameters."
function nodes_back!(gradient, worker::ClampedWorker, recordings::ClampedRecordings)
    model, c = worker.model, worker.model.plain
    for (i, v) in enumerate(recordings.nodes)
        rates!(c, model, v)
        fill!(c.gate_bar, 0)
        for (g, gate) in enumerate(recordings.system.gates)
            gate.state == 0 && continue
            first, second = worker.first_bar[g, i], worker.second_bar[g, i]
            if !recordings.exact
                a, s = c.a[g], c.s[g]
                first = a > least(s) ? first / a : 0.0
                second = s - a > least(s) ? second / (s - a) : 0.0
                first -= second
            end
            c.a_bar[g], c.s_bar[g] = first, second
        end
        rates_pullback!(gradient, c, model)
    end
    return nothing
end
