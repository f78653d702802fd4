# The discrete adjoint: the exact derivative of the steps that the solver took.
#
# Each step of the tape is computed again from its start, and the weights on its end and on the
# samples inside it go back to its start and to the parameters. Step sizes are constants. A step
# of a method that has no tableau here is differentiated as a step of Rodas5P from the same start:
# the flow over a step is the same to the tolerance of the solve.

"Memory for one step and its way back."
struct StepWork
    u::Matrix{Float64}
    at::Matrix{Float64}
    bar::Matrix{Float64}
    stimulus::Vector{Float64}
    by_time::Vector{Float64}
    jacobian::Matrix{Float64}
    factored::Matrix{Float64}
    pivots::Vector{Int}
    weights::Matrix{Float64}
    by_stimulus::Vector{Float64}
    r::Vector{Float64}
    state::Vector{Float64}
    at_bar::Vector{Float64}
    start_bar::Vector{Float64}
    end_bar::Vector{Float64}
    dense_bar::Matrix{Float64}
    # One for each stage, which keeps its values for the way back.
    models::Vector{Model{Float64}}
end

function StepWork(model::Model{Float64})
    n, most, powers = n_states(model.system), 8, 4
    return StepWork(zeros(n, most), zeros(n, most), zeros(n, most), zeros(most), zeros(n),
        zeros(n, n), zeros(n, n), zeros(Int, n), zeros(n, n), zeros(n), zeros(n), zeros(n),
        zeros(n), zeros(n), zeros(n), zeros(n, powers), [sibling(model) for _ in 1:most])
end

"""
    adjoint!(start_bar, gradient, bars, samples, times, tape, element, work)

Add what flows back from `bars` (S, T) on the samples to the start and to the parameters.
"""
function adjoint!(
    start_bar, gradient, bars, samples, times, tape::Tape, element::Element, work::StepWork
)
    n, last_sample = n_states(element.model.system), length(times)
    fill!(work.end_bar, 0)
    for step in length(tape):-1:1
        fill!(work.start_bar, 0)
        fill!(work.dense_bar, 0)
        t, h = tape.t[step], tape.t_next[step] - tape.t[step]
        inside = false
        while last_sample >= 1 && times[last_sample] > t
            inside |= from_sample!(work, bars, samples, last_sample, (times[last_sample] - t) / h,
                element)
            last_sample -= 1
        end
        element.cursor.piece = tape.piece[step]
        y = @view tape.y[((step - 1) * n + 1):(step * n)]
        kind = tape.kind[step]
        kind == 0x01 ? back_step!(gradient, RODAS5P, element, y, t, h, work, inside) :
        kind == 0x02 ? back_step!(gradient, RODAS4P, element, y, t, h, work, inside) :
        back_step!(gradient, TSIT5, element, y, t, h, work, inside, tape, tape.first[step])
        is_clamped(element) && (work.start_bar[1] = 0)
        copyto!(work.end_bar, work.start_bar)
    end
    start_bar .+= work.end_bar
    while last_sample >= 1
        start_bar .+= @view bars[:, last_sample]
        last_sample -= 1
    end
    return nothing
end

"Weights of a sample at θ of a step, to its start and its polynomial; none where it was cut."
function from_sample!(work::StepWork, bars, samples, i::Int, theta, element::Element)
    bounded, any_weight = element.model.system.bounded, false
    @inbounds for j in eachindex(bounded)
        bar = bars[j, i]
        iszero(bar) && continue
        bounded[j] && !(0 < samples[j, i] < 1) && continue
        any_weight = true
        work.start_bar[j] += bar
        power = theta
        for p in axes(work.dense_bar, 2)
            work.dense_bar[j, p] += power * bar
            power *= theta
        end
    end
    return any_weight
end

"Stimulus at the stages of a step, and its rate of change at the start."
function stage_stimuli!(work::StepWork, element::Element, c, t, h)
    @inbounds for i in eachindex(c)
        work.stimulus[i] = stimulus(element.cursor, t + c[i] * h)
    end
    return signal(element.cursor, t)[2]
end

"`at[:, i]` = y + Σ_j a[i, j] u_j, with the command in it under voltage clamp."
function stage_state!(work::StepWork, a, i::Int, y, clamped::Bool)
    n, at, u = length(y), work.at, work.u
    @inbounds for k in 1:n
        total = y[k]
        for j in 1:(i - 1)
            total = muladd(a[i, j], u[k, j], total)
        end
        at[k, i] = total
    end
    clamped && (@inbounds at[1, i] = work.stimulus[i])
    return @view at[:, i]
end

"The stages of a Rosenbrock step; leaves the factored matrix behind."
function stages!(
    work::StepWork, tableau::RosenbrockTableau{S}, element::Element, y, t, h, du
) where {S}
    model, clamped, n = element.model, is_clamped(element), length(y)
    first = stage_state!(work, tableau.a, 1, y, clamped)
    linearize!(work.jacobian, work.by_time, first, work.stimulus[1], du, model, clamped)
    diagonal = inv(h * tableau.gamma)
    @inbounds for j in 1:n, i in 1:n
        work.factored[i, j] = (i == j) * diagonal - work.jacobian[i, j]
    end
    factor!(work.factored, work.pivots)
    inverse_h = inv(h)
    @inbounds for i in 1:S
        state = stage_state!(work, tableau.a, i, y, clamped)
        u = @view work.u[:, i]
        slope!(u, state, work.stimulus[i], work.models[i], clamped)
        for k in 1:n
            total = u[k] + h * tableau.d[i] * work.by_time[k]
            for j in 1:(i - 1)
                total = muladd(tableau.c_matrix[i, j] * inverse_h, work.u[k, j], total)
            end
            u[k] = total
        end
        solve_factored!(work.factored, work.pivots, u)
    end
    return nothing
end

"""
From the weights on the end of a step (`work.end_bar`) and on its inside to its start
(`work.start_bar`, added to) and to the parameters.
"""
function back_step!(
    gradient, tableau::RosenbrockTableau{S}, element::Element, y, t, h, work::StepWork, inside::Bool
) where {S}
    model, clamped, n = element.model, is_clamped(element), length(y)
    du = stage_stimuli!(work, element, tableau.c, t, h)
    stages!(work, tableau, element, y, t, h, du)
    bar, r, inverse_h = work.bar, work.r, inv(h)
    start_from_end!(work, tableau.b, tableau.dense, inside)
    fill!(work.weights, 0)
    fill!(work.by_stimulus, 0)
    @inbounds for i in S:-1:1
        for k in 1:n
            r[k] = bar[k, i]
        end
        solve_transposed!(work.factored, work.pivots, r)
        clamped && (r[1] = 0)
        for j in 1:n
            u = work.u[j, i]
            for k in 1:n
                work.weights[k, j] = muladd(r[k], u, work.weights[k, j])
            end
        end
        fill!(work.at_bar, 0)
        pullback!(work.at_bar, gradient, (@view work.at[:, i]), work.stimulus[i], r,
            work.models[i], clamped, true)
        for k in 1:n
            at_bar = work.at_bar[k]
            work.start_bar[k] += at_bar
            work.by_stimulus[k] += tableau.d[i] * h * r[k]
            for j in 1:(i - 1)
                bar[k, j] += tableau.a[i, j] * at_bar + tableau.c_matrix[i, j] * inverse_h * r[k]
            end
        end
    end
    work.by_stimulus .*= du
    if clamped
        work.weights[:, 1] .= work.by_stimulus
        work.weights[1, :] .= 0
    end
    first = @view work.at[:, 1]
    jacobian_pullback!(work.start_bar, gradient, first, work.stimulus[1], work.weights,
        work.by_stimulus, model, clamped)
    return nothing
end

function back_step!(
    gradient, tableau::ExplicitTableau{S}, element::Element, y, t, h, work::StepWork, inside::Bool,
    tape::Tape, first::Int,
) where {S}
    clamped, n, width = is_clamped(element), length(y), record_length(element.model)
    stage_stimuli!(work, element, tableau.c, t, h)
    # The last stage is the new state: only samples inside the step depend on its slope.
    last_stage = inside ? S : S - 1
    first < 0 && explicit_stages!(work, tableau, element, y, h, last_stage)
    bar, r, state = work.bar, work.r, work.state
    start_from_end!(work, tableau.b, tableau.dense, inside)
    @inbounds for i in last_stage:-1:1
        for k in 1:n
            r[k] = h * bar[k, i]
        end
        clamped && (r[1] = 0)
        fill!(work.at_bar, 0)
        model = first < 0 ? work.models[i] : element.model
        if first < 0
            copyto!(state, @view work.at[:, i])
        else
            restore!(state, model, tape.values, first + (i - 1) * width)
        end
        pullback!(work.at_bar, gradient, state, work.stimulus[i], r, model, clamped, true)
        for k in 1:n
            work.start_bar[k] += work.at_bar[k]
        end
        for j in 1:(i - 1)
            weight = tableau.a[i, j]
            for k in 1:n
                bar[k, j] = muladd(weight, work.at_bar[k], bar[k, j])
            end
        end
    end
    return nothing
end

"The stages of an explicit step, each in a model of its own."
function explicit_stages!(
    work::StepWork, tableau::ExplicitTableau, element::Element, y, h, last_stage
)
    clamped = is_clamped(element)
    for i in 1:last_stage
        state = stage_state!(work, tableau.a, i, y, clamped)
        u = @view work.u[:, i]
        slope!(u, state, work.stimulus[i], work.models[i], clamped)
        u .*= h
    end
    return nothing
end

"Weights on the increments, from those on the end and the inside; those on the end go on to y."
function start_from_end!(work::StepWork, b, dense, inside::Bool)
    n = length(work.end_bar)
    @inbounds for i in eachindex(b), k in 1:n
        total = b[i] * work.end_bar[k]
        if inside
            for p in axes(dense, 1)
                total = muladd(dense[p, i], work.dense_bar[k, p], total)
            end
        end
        work.bar[k, i] = total
    end
    @inbounds for k in 1:n
        work.start_bar[k] += work.end_bar[k]
    end
    return nothing
end
