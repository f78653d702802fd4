# Clamped training: gates driven by a known voltage obey a linear recurrence, so there is nothing
# to solve; their current is compared with what was measured.

"""
Recordings cut into steps in which the voltage is nearly constant, end to end. The steps of
recording r are `first_step[r]` to `first_step[r + 1] - 1`; the first of them settles the gates.

`h` (ms) and `v` (mV) belong to the steps. For the samples (`targets`): `place` is the step before
it, `voltage` the voltage there. In current clamp the ionic current is averaged over neighbouring
samples by `weights` (3, N) and compared with data - c_m·`slope`; both are empty else.
"""
struct ClampedRecordings
    system::System
    first_step::Vector{Int}
    h::Vector{Float64}
    v::Vector{Float64}
    targets::Targets
    place::Vector{Int}
    voltage::Vector{Float64}
    weights::Matrix{Float64}
    slope::Vector{Float64}
end

Base.length(recordings::ClampedRecordings) = length(recordings.targets)

function checked_clamped(system::System, arguments...)
    (is_black_box(system) || has_free_gates(system)) && throw(InputError(
        "mode = \"clamped\" needs gates that a known voltage drives linearly; neuron " *
        "\"$(system.name)\" has others: use mode = \"simulation\""))
    return ClampedRecordings(system, arguments...)
end

"What a thread keeps of one recording: gates, decays and rates in every step."
struct ClampedWorker
    model::Model{Float64}
    x::Matrix{Float64}
    a::Matrix{Float64}
    s::Matrix{Float64}
    x_bar::Matrix{Float64}
    state::Vector{Float64}
    state_bar::Vector{Float64}
end

function ClampedWorker(recordings::ClampedRecordings)
    steps = maximum(diff(recordings.first_step))
    n, gates = n_states(recordings.system), length(recordings.system.gates)
    return ClampedWorker(Model{Float64}(recordings.system), zeros(n, steps), zeros(gates, steps),
        zeros(gates, steps), zeros(n, steps), zeros(n), zeros(n))
end

"The state after each step of recording `r` into `worker.x`, from `y0` or the steady state."
function drive_gates!(worker::ClampedWorker, recordings::ClampedRecordings, r::Int, y0)
    model, system = worker.model, recordings.system
    c, x = model.plain, worker.x
    first = recordings.first_step[r]
    for (i, step) in enumerate(first:(recordings.first_step[r + 1] - 1))
        v = recordings.v[step]
        # Step protocols stay at one voltage for long: its rates are known already.
        if i == 1 || v != recordings.v[step - 1]
            rates!(c, model, v)
        end
        h = recordings.h[step]
        @inbounds for (g, gate) in enumerate(system.gates)
            j = gate.state
            j == 0 && continue
            a, s = c.a[g], c.s[g]
            worker.a[g, i], worker.s[g, i] = a, s
            if i == 1
                x[j, 1] = y0 === nothing ? a / s : y0[j]
            else
                x[j, i] = x[j, i - 1] * exp(-s * h) - a / s * expm1(-s * h)
            end
        end
    end
    return nothing
end

"State at a sample: the gates there, under its voltage."
@inline function sample_state!(worker::ClampedWorker, recordings, r::Int, sample::Int)
    i = recordings.place[sample] - recordings.first_step[r] + 1
    @inbounds for j in eachindex(worker.state)
        worker.state[j] = worker.x[j, i]
    end
    @inbounds worker.state[1] = recordings.voltage[sample]
    return i
end

"The current compared with the data of recording `r`, without the capacitive part."
function clamped_currents!(predicted, worker::ClampedWorker, recordings, r::Int)
    range = samples_of(recordings.targets, r)
    for (k, sample) in enumerate(range)
        sample_state!(worker, recordings, r, sample)
        predicted[k] = ionic_current(worker.model, worker.state)
    end
    isempty(recordings.weights) && return nothing
    before, n = 0.0, length(range)
    w = recordings.weights
    for (k, sample) in enumerate(range)
        here = predicted[k]
        after = k < n ? predicted[k + 1] : 0.0
        predicted[k] = w[1, sample] * before + w[2, sample] * here + w[3, sample] * after
        before = here
    end
    return nothing
end

"""
    clamped_gradient!(each, gradient, y0_gradient, status, recordings, theta, y0, loss, stop)

As `loss_and_gradient!`, by driving the gates with the known voltage.
"""
function clamped_gradient!(
    each, gradient, y0_gradient, status, recordings::ClampedRecordings, theta, y0, loss::Loss, stop,
)
    n, sets = length(recordings), size(theta, 2)
    parts = zeros(size(theta, 1), n, sets)
    each_lane(() -> ClampedWorker(recordings), n * sets, stop) do worker, i
        r, k = (i - 1) % n + 1, (i - 1) ÷ n + 1
        stop[1] == 0 || return (status[r, k] = Int(INTERRUPTED))
        bind!(worker.model, @view theta[:, k])
        start = size(y0, 2) == 0 ? nothing : given_start(y0, r, k)
        part = @view parts[:, r, k]
        each[r, k] = clamped_lane!(part, worker, recordings, r, start, loss)
        start === nothing || (y0_gradient[:, r, k] .= worker.state_bar ./ n)
        finite = isfinite(each[r, k]) && all(isfinite, part) && all(isfinite, worker.state_bar)
        status[r, k] = Int(finite ? SUCCESS : NONFINITE)
        finite || (each[r, k] = Inf)
    end
    for k in 1:sets
        failed = any(!=(0), @view status[:, k])
        total = @view gradient[:, k]
        total .= 0
        for r in 1:n
            failed || (total .+= (@view parts[:, r, k]) ./ n)
        end
        failed && size(y0, 2) > 0 && (y0_gradient[:, :, k] .= 0)
    end
    return nothing
end

function clamped_lane!(gradient, worker::ClampedWorker, recordings, r::Int, y0, loss::Loss)
    model, range = worker.model, samples_of(recordings.targets, r)
    drive_gates!(worker, recordings, r, y0)
    predicted, bars = zeros(length(range)), zeros(length(range))
    clamped_currents!(predicted, worker, recordings, r)
    if !isempty(recordings.slope)
        c_m = model.theta[recordings.system.c_m]
        for (k, sample) in enumerate(range)
            predicted[k] += c_m * recordings.slope[sample]
        end
    end
    value = loss!(bars, predicted, recordings.targets, r, loss)
    if !isempty(recordings.slope)
        gradient[recordings.system.c_m] += sum(
            bars[k] * recordings.slope[sample] for (k, sample) in enumerate(range))
        bars = spread_back(bars, recordings.weights, range)
    end
    fill!(worker.x_bar, 0)
    for (k, sample) in enumerate(range)
        bars[k] == 0 && continue
        i = sample_state!(worker, recordings, r, sample)
        current_pullback!(
            (@view worker.x_bar[:, i]), gradient, model, worker.state, bars[k])
    end
    drive_back!(gradient, worker, recordings, r, y0)
    return value
end

"What flows back from averages over three samples to the samples."
function spread_back(bars, weights, range)
    out = zeros(length(bars))
    for (k, sample) in enumerate(range)
        k > 1 && (out[k - 1] += weights[1, sample] * bars[k])
        out[k] += weights[2, sample] * bars[k]
        k < length(bars) && (out[k + 1] += weights[3, sample] * bars[k])
    end
    return out
end

"""
Back through the recurrence of `drive_gates!`: from `worker.x_bar` to the parameters and the start
(`worker.state_bar`). Steps at one voltage share one way back through its rates.
"""
function drive_back!(gradient, worker::ClampedWorker, recordings, r::Int, y0)
    model, system = worker.model, recordings.system
    c, x, x_bar = model.plain, worker.x, worker.x_bar
    first, last = recordings.first_step[r], recordings.first_step[r + 1] - 1
    fill!(worker.state_bar, 0)
    fill!(c.a_bar, 0)
    fill!(c.s_bar, 0)
    fill!(c.gate_bar, 0)
    for step in last:-1:first
        i, h = step - first + 1, recordings.h[step]
        @inbounds for (g, gate) in enumerate(system.gates)
            j = gate.state
            j == 0 && continue
            bar, a, s = x_bar[j, i], worker.a[g, i], worker.s[g, i]
            if i == 1
                y0 === nothing || (worker.state_bar[j] = bar; continue)
                c.a_bar[g] += bar / s
                c.s_bar[g] -= bar * a / (s * s)
            else
                decay, gap = exp(-s * h), x[j, i - 1] - a / s
                x_bar[j, i - 1] += bar * decay
                x_inf_bar = -bar * expm1(-s * h)
                c.a_bar[g] += x_inf_bar / s
                c.s_bar[g] -= x_inf_bar * a / (s * s) + bar * gap * h * decay
            end
        end
        if i == 1 || recordings.v[step - 1] != recordings.v[step]
            rates!(c, model, recordings.v[step])
            rates_pullback!(gradient, c, model)
            fill!(c.a_bar, 0)
            fill!(c.s_bar, 0)
        end
    end
    return nothing
end

"""
    clamped_predict!(predicted, recordings, theta, y0, stop)

The ionic current of each recording, one after the other: `predicted` (N, K).
"""
function clamped_predict!(predicted, recordings::ClampedRecordings, theta, y0, stop)
    n = length(recordings)
    each_lane(() -> ClampedWorker(recordings), n * size(theta, 2), stop) do worker, i
        r, k = (i - 1) % n + 1, (i - 1) ÷ n + 1
        stop[1] == 0 || return nothing
        bind!(worker.model, @view theta[:, k])
        drive_gates!(worker, recordings, r, size(y0, 2) == 0 ? nothing : given_start(y0, r, k))
        into = @view predicted[samples_of(recordings.targets, r), k]
        clamped_currents!(into, worker, recordings, r)
    end
    return nothing
end
