# What a first solve and a first gradient need, compiled when the package is installed. Every
# neuron has the same types, so one with all kinds of parts is enough.

const EVERY_PART = """
{"name": "", "doi": "", "note": "", "c_m": 1.0, "v_rest": -65.0, "temperature": null,
 "initial": {}, "right_hand_side": null, "channels": [
  {"kind": "channel", "name": "k", "g": 36.0, "e": -77.0, "gates": [
   {"name": "n", "power": 4, "q10": 1.0, "t_ref": null, "kinetics": {"kind": "rates",
    "alpha": {"form": "linoid", "a": 0.01, "v0": -55.0, "k": 10.0},
    "beta": {"form": "exponential", "a": 0.125, "v0": -65.0, "k": -80.0}}}]},
  {"kind": "channel", "name": "l", "g": 0.3, "e": -54.3, "gates": [
   {"name": "w", "power": 1, "q10": 1.0, "t_ref": null, "kinetics": {"kind": "neural",
    "form": "steady_state", "v_shift": -40.0, "v_scale": 50.0, "tau_min": 0.02, "tau_max": 500.0,
    "bound": 10.0, "prior": null,
    "network": {"layers": [1, 4, 2], "activation": "tanh", "tensors": "l.w.network"}}}]}]}
"""

"A solve, a gradient and a prediction of `neuron` as callers from other languages ask for them."
function workload(neuron::Neuron, clamped::Bool, solver::String)
    n, times = n_states(neuron.system), collect(0.0:0.5:5.0)
    t = tables(system_of(EVERY_PART))
    system = system_of(
        t.name, state_names(t), (getfield(t, i) for i in 3:fieldcount(Tables))...)
    none = zeros(0, 2, 1)
    protocols = make_protocols(clamped, reshape([-1.0, 2.0], 2, 1), reshape([-60.0, 5.0], 2, 1),
        zeros(2, 1), none, none, none, none)
    options, loss = make_options(solver, 1e-6, 1e-8, 10.0, 1000, Inf, false), make_loss("mse", 1.0, 1.0, -30.0, 5.0, Inf)
    theta, stop, y = reshape(neuron.theta, :, 1), [0x00], zeros(n, length(times), 1)
    for ends in (NO_LIMITS, [6.0])
        solve!(y, zeros(Int, 1), zeros(Int, 3, 1), system, protocols, theta, zeros(n, 0), times,
            options, stop, ends)
    end
    count = FEWEST_IN_BLOCK * Threads.nthreads()
    # Those of which there is a block, in both precisions.
    hows = solver in IN_BLOCKS ? [options, make_options(solver, 1e-6, 1e-8, 10.0, 1000, Inf, true)] :
        Options[]
    for ends in (NO_LIMITS, [6.0]), how in hows
        solve!(zeros(n, length(times), count), zeros(Int, count), zeros(Int, 3, count), system,
            protocols, repeat(theta, 1, count), zeros(n, 0), times, how, stop, ends)
    end
    targets = Targets()
    data, weight = collect(range(-60.0, 0.0; length=length(times))), fill(0.1, length(times))
    add_recording!(targets, times, data, weight, 1.0)
    recordings = make_recordings(system, protocols, targets, [-60.0], clamped)
    outputs = zeros(1, 1), zeros(length(theta), 1), zeros(n, 0, 0), zeros(Int, 1, 1)
    start = zeros(n, 0, 0)
    gradient_by!("adjoint", outputs..., zeros(Int, 3, 1, 1), recordings, theta, start, loss, options,
        stop, make_ends(ones(n), zeros(n, 1, 1), zeros(n, 1, 1)))
    predict!(zeros(length(times), 1), zeros(Int, 1, 1), recordings, theta, start, options, stop)
    many = repeat(theta, 1, count)
    for how in hows
        solver in GRADIENTS_IN_BLOCKS && gradient_by!("adjoint", zeros(1, count), zero(many), start,
            zeros(Int, 1, count), zeros(Int, 3, 1, count), recordings, many, start, loss, how, stop)
        predict!(zeros(length(times), count), zeros(Int, 1, count), recordings, many, start, how, stop)
    end
    steps = length(times)
    index, weight = reshape(collect(1:steps), 1, :), ones(1, steps)
    batch = make_clamped(system, !clamped, data, index, weight, [1, steps + 1], fill(0.5, steps),
        targets, collect(1:steps), data, zeros(3, 0), zeros(0))
    clamped_gradient!(outputs..., batch, theta, start, loss, stop)
    clamped_predict!(zeros(steps, 1), batch, theta, start, stop)
    return nothing
end

"What forward sensitivities need of `neuron`."
function derivatives_workload(neuron::Neuron)
    system, theta = neuron.system, neuron.theta
    y, u, places = fill(0.5, 2, n_states(system)), zeros(2), [1, length(theta)]
    for kind in keys(QUANTITIES)
        f = n_components(QUANTITIES[kind], system)
        local_values!(zeros(2, f), kind, system, theta, y, u)
        local_slopes!(zeros(2, f, 2), kind, system, theta, y, u, places)
    end
    local_jacobians!(zeros(n_states(system), n_states(system), 2), system, theta, y, u)
    network_inputs!(zeros(1, 2), system, theta, y, u)
    local_recurrence!(zeros(2, 2), zeros(2, 2), zeros(2, 2))
    q, n, gates = 3, n_states(system), count(system.bounded)
    along = [1], ones(1), [q - 1], zeros((q - 1) * n_weights(only(system.networks)))
    forward_sensitivities!(zeros(q, 2), system, theta, [0.0, 0.1, 0.2], fill(0.5, 3, n), zeros(3),
        along..., zeros(q, n))
    gate_sensitivities!(zeros(q, gates, 2), system, theta, y[:, 1], [1 2], ones(1, 2), y[:, 1], u,
        [1, 2], zeros(2, gates), fill(false, gates), along..., zeros(0, gates))
    return nothing
end

@setup_workload begin
    document = Dict{String,Any}("format" => FORMAT, "version" => FORMAT_VERSION,
        "neuron" => JSON.parse(EVERY_PART), "tensors" => nothing, "metadata" => Dict())
    @compile_workload begin
        neuron = Neuron(document)
        for clamped in (false, true), solver in ("auto", "rodas5p", "tsit5")
            workload(neuron, clamped, solver)
        end
        derivatives_workload(neuron)
        clamp = CurrentClamp(Step(5.0; start=1.0, stop=3.0); t_end=5.0)
        found = simulate(neuron, clamp; saveat=0.5)
        fit(neuron, [Recording(found.t, clamp; v=found["v"] .+ found.t)]; steps=2)
    end
end
