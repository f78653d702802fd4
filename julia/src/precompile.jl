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

@setup_workload begin
    data = JSON.parse(EVERY_PART)
    document = Dict{String,Any}("format" => FORMAT, "version" => FORMAT_VERSION, "neuron" => data,
        "tensors" => nothing, "metadata" => Dict())
    @compile_workload begin
        neuron = Neuron(document)
        system_of(EVERY_PART)
        times = collect(0.0:0.5:5.0)
        for clamp in (CurrentClamp(Step(5.0; start=1.0, stop=3.0); t_end=5.0),
            VoltageClamp(Step(5.0; start=1.0, stop=3.0, baseline=-65.0); t_end=5.0))
            for solver in ("auto", "rodas5p", "tsit5")
                simulate(neuron, clamp; saveat=times, solver)
                recording = Recording(times, clamp, [sin(t) for t in times])
                loss_and_gradient(neuron, [recording]; solver)
            end
        end
    end
end
