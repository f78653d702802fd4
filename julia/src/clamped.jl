# Clamped training: gates under a known voltage obey a linear recurrence, so there is nothing to
# solve; their current is compared with what was measured.

"""
The state after each step of recording `r` into `worker.x`, from `y0`, or else from the starts that
the neuron names and the steady state.
"""
function clamp_gates!(worker::ClampedWorker, recordings::ClampedRecordings, r::Int, y0)
    x, first = worker.x, recordings.first_step[r]
    for (g, gate) in enumerate(recordings.system.gates)
        j = gate.state
        j == 0 && continue
        a, s, given = 0.0, 0.0, recordings.system.initial[j]
        @inbounds for i in 1:(recordings.first_step[r + 1] - first)
            step = first + i - 1
            a, s = step_rates(worker, recordings, g, step)
            worker.a[g, i], worker.s[g, i] = a, s
            if i == 1
                x[j, 1] = y0 !== nothing ? y0[j] : isnan(given) ? a / s : given
            else
                lost = -expm1(-s * recordings.h[step])
                x[j, i] = muladd(lost, a / s - x[j, i - 1], x[j, i - 1])
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

"""
The current compared with the data of recording `r`, without the capacitive part, and the
conductances where they are asked for.
"""
function clamped_currents!(
    predicted, worker::ClampedWorker, recordings, r::Int, conductances=nothing
)
    range, model = samples_of(recordings.targets, r), worker.model
    for (k, sample) in enumerate(range)
        sample_state!(worker, recordings, r, sample)
        predicted[k] = ionic_current(model, worker.state)
        conductances === nothing || (conductances[k] = total_conductance(model.plain, model))
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
    (n, sets), cells = size(status), recordings.cells
    make() = ClampedWorker(recordings)
    each_element(make, recordings.pool, size(theta, 2), stop) do worker, element
        k, own = recordings_of_column(theta, cells, n, element, sets)
        part = @view gradient[:, element]
        part .= 0
        isempty(own) && return nothing
        bind!(worker.model, @view theta[:, element])
        node_rates!(worker, recordings)
        for r in own
            stop[1] == 0 || (status[r, k] = Int(INTERRUPTED); continue)
            start = size(y0, 2) == 0 ? nothing : given_start(y0, r, k)
            each[r, k] = clamped_element!(part, worker, recordings, r, start, loss)
            start === nothing || (y0_gradient[:, r, k] .= worker.state_bar ./ n)
            fine = isfinite(each[r, k]) && all(isfinite, worker.state_bar)
            status[r, k] = Int(fine ? SUCCESS : NONFINITE)
            fine || (each[r, k] = Inf)
        end
        nodes_back!(part, worker, recordings)
        part ./= n
        # A gradient that overflows while every value is finite is nobody's in particular.
        all(==(0), @view status[own, k]) && !all(isfinite, part) &&
            (status[own, k] .= Int(NONFINITE); each[own, k] .= Inf)
    end
    no_gradient_of_failures!(gradient, y0_gradient, status)
    return nothing
end

"The set that a column of (P, C·K) parameters belongs to, and the recordings that it is for."
function recordings_of_column(theta, cells, n::Int, column::Int, sets::Int)
    count = size(theta, 2) ÷ sets
    k, cell = (column - 1) ÷ count + 1, (column - 1) % count + 1
    return k, isempty(cells) ? collect(1:n) : findall(==(cell), cells)
end

function clamped_element!(gradient, worker::ClampedWorker, recordings, r::Int, y0, loss::Loss)
    model, range = worker.model, samples_of(recordings.targets, r)
    clamp_gates!(worker, recordings, r, y0)
    predicted, bars = zeros(length(range)), zeros(length(range))
    as_voltage = loss.observer_conductance > 0 && !isempty(recordings.slope)
    conductances = as_voltage ? zeros(length(range)) : nothing
    clamped_currents!(predicted, worker, recordings, r, conductances)
    if !isempty(recordings.slope)
        c_m = model.theta[recordings.system.c_m]
        for (k, sample) in enumerate(range)
            predicted[k] += c_m * recordings.slope[sample]
        end
    end
    as_voltage && to_voltages!(
        predicted, conductances, recordings.targets.data[r], loss.observer_conductance)
    value = loss!(bars, predicted, recordings.targets, r, loss)
    as_voltage &&
        from_voltages!(conductances, bars, predicted, recordings.targets.data[r],
            loss.observer_conductance)
    if !isempty(recordings.slope)
        gradient[recordings.system.c_m] += sum(
            bars[k] * recordings.slope[sample] for (k, sample) in enumerate(range))
        bars = spread_back(bars, recordings.weights, range)
    end
    fill!(worker.x_bar, 0)
    for (k, sample) in enumerate(range)
        by_conductance = as_voltage ? conductances[k] : 0.0
        bars[k] == 0 && by_conductance == 0 && continue
        i = sample_state!(worker, recordings, r, sample)
        current_pullback!((@view worker.x_bar[:, i]), gradient, model, worker.state, bars[k],
            by_conductance)
    end
    clamp_gates_pullback!(worker, recordings, r, y0)
    return value
end

"What the currents are off the data, as mV, on top of the data."
function to_voltages!(predicted, conductances, data, observer_conductance)
    for k in eachindex(data)
        predicted[k] = data[k] + (predicted[k] - data[k]) / (conductances[k] + observer_conductance)
    end
    return nothing
end

"What flows back to these on to the currents (`bars`) and, in their place, the conductances."
function from_voltages!(conductances, bars, predicted, data, observer_conductance)
    for k in eachindex(data)
        inverse = 1 / (conductances[k] + observer_conductance)
        conductances[k] = -bars[k] * (predicted[k] - data[k]) * inverse
        bars[k] *= inverse
    end
    return nothing
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
Back through the recurrence of `clamp_gates!`: from `worker.x_bar` to the nodes and the start
(`worker.state_bar`).
"""
function clamp_gates_pullback!(worker::ClampedWorker, recordings::ClampedRecordings, r::Int, y0)
    x, x_bar, first = worker.x, worker.x_bar, recordings.first_step[r]
    fill!(worker.state_bar, 0)
    for (g, gate) in enumerate(recordings.system.gates)
        j = gate.state
        j == 0 && continue
        @inbounds for i in (recordings.first_step[r + 1] - first):-1:1
            step = first + i - 1
            bar, a, s = x_bar[j, i], worker.a[g, i], worker.s[g, i]
            if i > 1
                h = recordings.h[step]
                lost = -expm1(-s * h)
                x_bar[j, i - 1] += bar * (1 - lost)
                x_inf_bar = bar * lost
                s_bar = bar * (a / s - x[j, i - 1]) * h * (1 - lost)
            elseif y0 === nothing
                isnan(recordings.system.initial[j]) || continue
                x_inf_bar, s_bar = bar, 0.0
            else
                worker.state_bar[j] = bar
                continue
            end
            a_bar = x_inf_bar / s
            step_rates_back!(worker, recordings, g, step, a, s, a_bar, s_bar - a_bar * a / s)
        end
    end
    return nothing
end

"""
    clamped_predict!(predicted, recordings, theta, y0, stop)

The ionic current of each recording, one after the other: `predicted` (N, K).
"""
function clamped_predict!(predicted, recordings::ClampedRecordings, theta, y0, stop)
    sets = size(predicted, 2)
    make() = ClampedWorker(recordings)
    each_element(make, recordings.pool, size(theta, 2), stop) do worker, element
        k, own = recordings_of_column(theta, recordings.cells, length(recordings), element, sets)
        isempty(own) && return nothing
        bind!(worker.model, @view theta[:, element])
        node_rates!(worker, recordings)
        for r in own
            stop[1] == 0 || return nothing
            clamp_gates!(worker, recordings, r, size(y0, 2) == 0 ? nothing : given_start(y0, r, k))
            into = @view predicted[samples_of(recordings.targets, r), k]
            clamped_currents!(into, worker, recordings, r)
        end
    end
    return nothing
end
