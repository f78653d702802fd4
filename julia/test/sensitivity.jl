using SciMLSensitivity: SciMLSensitivity

@testset "SciMLSensitivity agrees: $method, $name, $(nameof(typeof(clamp)))" for
    method in ("gauss", "interpolating", "quadrature"),
    name in ("squid_axon", "one_gate"), clamp in (STEP, VOLTAGE_STEP)

    neuron = test_neuron(name)
    recording = made_recording(neuron, clamp; times=collect(0.5:1.5:20.0))
    options = (solver="rodas5p", rtol=1e-9, atol=1e-11)
    value, exact = loss_and_gradient(neuron, [recording]; options...)
    found_value, found = loss_and_gradient(neuron, [recording]; sensitivity=method, options...)
    @test found_value ≈ value rtol = 1e-6
    @test found ≈ exact rtol = 1e-5
end
