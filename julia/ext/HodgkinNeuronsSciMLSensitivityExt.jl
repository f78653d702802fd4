module HodgkinNeuronsSciMLSensitivityExt

# Gradients by the continuous adjoints of SciMLSensitivity, with this package's own Jacobians.
# The solve is cut where the stimulus jumps: each piece is smooth, and its adjoint starts from
# what the later ones gave.

using HodgkinNeurons: AutoFiniteDiff, HodgkinNeurons, INTERRUPTED, Jacobian, Element, Outcome,
    Recordings, RightHandSide, Rodas5P, SUCCESS, TimeGradient, Tsit5, Worker, bind!, breakpoints,
    column_of, first_samples!, full_state, general_algorithm, given_start, is_clamped, judged, keywords,
    n_states, next_break, no_gradient_of_failures!, pullback!, sample_bars!, start_state, status_of,
    steady_state_pullback!, stimulus, store!
using SciMLBase: FullSpecialize, ODEFunction, ODEProblem, solve
using SciMLSensitivity: GaussAdjoint, InterpolatingAdjoint, QuadratureAdjoint,
    adjoint_sensitivities

const METHODS = (
    gauss=GaussAdjoint(; autojacvec=false),
    interpolating=InterpolatingAdjoint(; autojacvec=false),
    quadrature=QuadratureAdjoint(; autojacvec=false),
)

"The derivative of the right-hand side by the parameters, row by row."
struct ParameterJacobian
    element::Element
end

function (f::ParameterJacobian)(jacobian, y, _, t)
    element = f.element
    model, clamped, n = element.model, is_clamped(element), length(y)
    u = stimulus(element.cursor, t)
    state = clamped ? full_state(element, y, t) : y
    unused, row, bar = zeros(n), zeros(size(jacobian, 2)), zeros(n)
    for j in 1:n
        fill!(row, 0)
        fill!(bar, 0)
        bar[j] = 1
        clamped && j == 1 || pullback!(unused, row, state, u, bar, model, clamped)
        jacobian[j, :] .= row
    end
    return nothing
end

function HodgkinNeurons.sciml_gradient!(
    ::Val{M}, each, gradient, y0_gradient, status, stats, recordings::Recordings, theta, y0, loss,
    options, stop,
) where {M}
    alg, (n, sets) = general_algorithm(options.solver), size(status)
    gradient .= 0
    worker = Worker(recordings.system)
    for k in 1:sets, r in 1:n
        stop[1] == 0 || (status[r, k] = Int(INTERRUPTED); continue)
        start = size(y0, 2) == 0 ? nothing : given_start(y0, r, k)
        column = column_of(theta, recordings.cells, r, k, sets)
        bind!(worker.model, @view theta[:, column])
        part = zeros(size(theta, 1))
        value, outcome = element_gradient!(
            part, worker, recordings, r, start, loss, alg, options, METHODS[M])
        start === nothing || (y0_gradient[:, r, k] .= worker.start_bar ./ n)
        each[r, k], ended = judged(value, outcome)
        status[r, k] = Int(ended)
        stats[:, r, k] .= (outcome.n_steps, outcome.n_rejected, outcome.n_f_evals)
        gradient[:, column] .+= part ./ n
    end
    no_gradient_of_failures!(gradient, y0_gradient, status)
    return nothing
end

function element_gradient!(gradient, worker, recordings, r, start, loss, alg, options, method)
    system, model = recordings.system, worker.model
    element, times = Element(model, recordings.protocols, r), recordings.targets.t[r]
    y0 = start === nothing ? start_state(element, recordings.v0[r]) : start
    samples = zeros(n_states(system), length(times))
    pieces, outcome = solve_pieces!(samples, times, y0, element, alg, options)
    fill!(worker.start_bar, 0)
    outcome.status == SUCCESS || return Inf, outcome
    bars = zero(samples)
    value = sample_bars!(bars, gradient, samples, recordings, r, element, loss)
    back!(worker.start_bar, gradient, bars, times, pieces, element, options, method)
    start === nothing && steady_state_pullback!(gradient, y0[1], worker.start_bar, model)
    return value, outcome
end

"Dense solutions of each smooth piece, with the piece of the stimulus that it belongs to."
function solve_pieces!(samples, times, y0, element, alg, options)
    next = first_samples!(samples, times, y0, element)
    bounded, y, t1 = element.model.system.bounded, copy(y0), last(times)
    ends = [breakpoints(element.cursor.protocols, element.cursor.protocol, t1); t1]
    f = ODEFunction{true,FullSpecialize}(RightHandSide(element);
        jac=Jacobian(element), tgrad=TimeGradient(element), paramjac=ParameterJacobian(element))
    pieces, t0, steps, rejected, evaluations = Any[], 0.0, 0, 0, 0
    for stop_at in ends
        stop_at > t0 || continue
        problem = ODEProblem{true,FullSpecialize}(f, y, (t0, stop_at), copy(element.model.theta))
        solution = solve(problem, alg; keywords(options, element.model.system, t1)...)
        steps += solution.stats.naccept
        rejected += solution.stats.nreject
        evaluations += solution.stats.nf
        status = status_of(solution.retcode)
        status == SUCCESS || return pieces, Outcome(status, steps, rejected, evaluations)
        while next <= length(times) && times[next] <= stop_at
            store!(samples, next, solution(times[next]), bounded)
            next += 1
        end
        push!(pieces, (solution, element.cursor.piece, t0, stop_at))
        while stop_at >= next_break(element.cursor)
            element.cursor.piece += 1
        end
        y, t0 = copy(solution.u[end]), stop_at
    end
    return pieces, Outcome(SUCCESS, steps, rejected, evaluations)
end

function back!(start_bar, gradient, bars, times, pieces, element, options, method)
    end_bar = zeros(length(start_bar))
    # An explicit method for those that carry the parameters along: their system is large.
    alg = method isa InterpolatingAdjoint ? Tsit5() : Rodas5P(; autodiff=AutoFiniteDiff())
    for (solution, piece, t0, t1) in Iterators.reverse(pieces)
        element.cursor.piece = piece
        inside = findall(t -> t0 < t <= t1, times)
        at, weights = times[inside], bars[:, inside]
        if isempty(at) || last(at) < t1
            at, weights = [at; t1], [weights zeros(length(start_bar))]
        end
        weights[:, end] .+= end_bar
        by_state(out, y, p, t, i) = (out .= @view weights[:, i]; nothing)
        end_bar, by_parameters = adjoint_sensitivities(solution, alg; t=at,
            dgdu_discrete=by_state, sensealg=method, abstol=options.atol, reltol=options.rtol,
            maxiters=options.max_steps)
        gradient .+= vec(by_parameters)
        is_clamped(element) && (end_bar[1] = 0)
    end
    start_bar .+= end_bar
    for i in findall(<=(0), times)
        start_bar .+= @view bars[:, i]
    end
    return nothing
end

end
