using HodgkinNeurons: Element, Options, Protocols, RODAS4P, RODAS5P, StepWork, Tape, TSIT5,
    adjoint!, algorithm, integrate!, is_clamped, slope!, stage_state!, stage_stimuli!, stages!,
    start_state

"The steps of a tape again, with other parameters or another start: weights times the samples."
function retraced(element, tape, y0, times, weights)
    n, work, total = length(y0), StepWork(element.model), 0.0
    y, next = copy(y0), findfirst(>(0), times)
    for step in 1:length(tape)
        t, h = tape.t[step], tape.t_next[step] - tape.t[step]
        element.cursor.piece = tape.piece[step]
        tableau = (RODAS5P, RODAS4P, TSIT5)[tape.kind[step]]
        du = stage_stimuli!(work, element, tableau.c, t, h)
        if tableau === TSIT5
            for i in 1:7
                state = stage_state!(work, tableau.a, i, y, is_clamped(element))
                column, clamped = (@view work.u[:, i]), is_clamped(element)
                slope!(column, state, work.stimulus[i], element.model, clamped)
                work.u[:, i] .*= h
            end
            b = tableau.a[7, :]
        else
            stages!(work, tableau, element, y, t, h, du)
            b = collect(tableau.b)
        end
        increments = work.u[:, 1:length(b)]
        while next <= length(times) && times[next] <= tape.t_next[step]
            theta = (times[next] - t) / h
            powers = [theta^p for p in axes(tableau.dense, 1)]
            total += sum(weights[:, next] .* (y .+ increments * (tableau.dense' * powers)))
            next += 1
        end
        y = y .+ increments * b
    end
    return total, y
end

@testset "the adjoint is the derivative of the steps: $name, $(nameof(typeof(clamp))), $solver" for
    name in ("learned", "black_box", "free"), clamp in (STEP, RAMP, VOLTAGE_STEP, VOLTAGE_RAMP),
    solver in ("rodas5p", "rodas4p", "tsit5")

    name == "black_box" && clamp isa VoltageClamp && continue
    neuron = test_neuron(name)
    model = HodgkinNeurons.Model{Float64}(neuron.system)
    HodgkinNeurons.bind!(model, neuron.theta)
    element, times = Element(model, Protocols([clamp]), 1), collect(0.25:0.5:20.0)
    rng = MersenneTwister(2)
    y0, tape = start_state(element, -60.0), Tape()
    n = length(y0)
    samples, weights = zeros(n, length(times)), randn(rng, n, length(times))
    clamp isa VoltageClamp && (weights[1, :] .= 0)
    integrate!(samples, times, y0, element, algorithm(solver), Options(; rtol=1e-5), [0x00], tape)
    # Where a sample was cut to [0, 1] nothing flows back: leave those out here.
    weights[findall(x -> !(0 < x < 1), samples)] .= 0
    clamp isa CurrentClamp && (weights[1, :] .= randn(rng, length(times)))
    _, again = retraced(element, tape, y0, times, weights)
    @test again[2:end] ≈ samples[2:end, end] rtol = 1e-6

    start_bar, gradient = zeros(n), zeros(length(neuron.theta))
    adjoint!(start_bar, gradient, weights, samples, times, tape, element, StepWork(element.model))
    direction = randn(rng, length(gradient)) .* max.(abs.(neuron.theta), 1e-2)
    push = [clamp isa VoltageClamp ? 0.0 : 1.0; 0.1 .* randn(rng, n - 1)]
    function moved(s)
        HodgkinNeurons.bind!(model, neuron.theta .+ s .* direction)
        return retraced(element, tape, y0 .+ s .* push, times, weights)[1]
    end
    exact = (moved(1e-6) - moved(-1e-6)) / 2e-6
    @test sum(gradient .* direction) + sum(start_bar .* push) ≈ exact rtol = 1e-5

    # Where the tape had no room for what the stages computed they are evaluated again.
    HodgkinNeurons.bind!(model, neuron.theta)
    again_bar, again_gradient = zeros(n), zeros(length(neuron.theta))
    tape.first .= -1
    work = StepWork(element.model)
    adjoint!(again_bar, again_gradient, weights, samples, times, tape, element, work)
    @test again_gradient ≈ gradient rtol = 1e-9
    @test again_bar ≈ start_bar rtol = 1e-9
end
