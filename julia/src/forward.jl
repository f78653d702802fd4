# The gradient forwards: the whole solve with numbers that carry derivatives along, a few
# parameters at a time. Right for any solver, and slow where there are many parameters; it is what
# SciMLSensitivity calls ForwardDiffSensitivity.

"The right-hand side for numbers of any type, its stimulus at one piece."
struct GenericRightHandSide{T}
    model::Model{T}
    cursor::StimulusCursor
    full::Vector{T}
end

function (f::GenericRightHandSide)(dy, y, _, t)
    u = stimulus(f.cursor, t)
    f.cursor.protocols.clamped || return rhs!(dy, y, u, f.model)
    copyto!(f.full, y)
    f.full[1] = u
    slope!(dy, f.full, zero(u), f.model, true)
    return nothing
end

"Loss of one recording as a function of parameters and start; the outcome of its solve."
function forward_loss(theta::AbstractVector{T}, start, recordings, r, loss, alg, options) where {T}
    system, targets, times = recordings.system, recordings.targets, recordings.targets.t[r]
    model = bind!(Model{T}(system), theta)
    cursor = StimulusCursor(recordings.protocols, r)
    v0 = recordings.current ? stimulus(cursor, 0.0) : recordings.v0[r]
    y = start === nothing ? steady_state!(zeros(T, n_states(system)), v0, model) : T.(start)
    f = GenericRightHandSide{T}(model, cursor, zeros(T, length(y)))
    predicted, next, t0 = zeros(T, length(times)), 1, 0.0
    observe(i, y) = observed_at(model, recordings, r, times[i], y)
    while next <= length(times) && times[next] <= 0
        predicted[next] = observe(next, y)
        next += 1
    end
    status = SUCCESS
    for stop_at in [breakpoints(recordings.protocols, r, last(times)); last(times)]
        stop_at > t0 || continue
        problem = ODEProblem{true,FullSpecialize}(f, y, (t0, stop_at))
        solution = solve(problem, alg; keywords(options, system, last(times))...)
        status = status_of(solution.retcode)
        status == SUCCESS || break
        while next <= length(times) && times[next] <= stop_at
            predicted[next] = observe(next, solution(times[next]))
            next += 1
        end
        while stop_at >= next_break(cursor)
            cursor.piece += 1
        end
        y, t0 = copy(solution.u[end]), stop_at
    end
    total = zero(T)
    for i in eachindex(predicted)
        weight = targets.weight[r][i]
        weight == 0 && continue
        v_clip = recordings.current ? Inf : loss.v_clip
        residual = (min(predicted[i], v_clip) - min(targets.data[r][i], v_clip)) / targets.scale[r]
        plain, steep = cost(loss, ForwardDiff.value(residual))
        total += weight * (plain + steep * (residual - ForwardDiff.value(residual)))
    end
    loss.spikes > 0 && !recordings.current && status == SUCCESS &&
        (total += forward_spikes(predicted, targets, r, loss))
    return status == SUCCESS ? total : T(Inf), status
end

"The spike times' part of a loss, with the derivatives that its samples carry."
function forward_spikes(predicted, targets, r, loss)
    plain = ForwardDiff.value.(predicted)
    bars = zeros(length(plain))
    cost = spike_loss!(bars, plain, targets, r, loss)
    return cost + sum(bars .* (predicted .- plain))
end

function observed_at(model::Model{T}, recordings, r, t, y) where {T}
    recordings.current || return y[1]
    y = [j == 1 ? T(value_at(recordings.protocols, r, t)) :
        recordings.system.bounded[j] ? clamp(y[j], 0, 1) : y[j] for j in eachindex(y)]
    return ionic_current(model, y)
end

function forward_gradient!(
    each, gradient, y0_gradient, status, stats, recordings, theta, y0, loss, options, stop,
)
    alg, (n, sets), n_theta = general_algorithm(options.solver), size(status), size(theta, 1)
    gradient .= 0
    for k in 1:sets, r in 1:n
        stop[1] == 0 || (status[r, k] = Int(INTERRUPTED); continue)
        given = size(y0, 2) == 0 ? nothing : given_start(y0, r, k)
        column = column_of(theta, recordings.cells, r, k, sets)
        point = given === nothing ? theta[:, column] : [theta[:, column]; given]
        split(z) = given === nothing ? (z, nothing) : (z[1:n_theta], z[(n_theta + 1):end])
        cost_of(z) = forward_loss(split(z)..., recordings, r, loss, alg, options)
        each[r, k], outcome = cost_of(point)
        status[r, k] = Int(outcome)
        outcome == SUCCESS || continue
        slopes = ForwardDiff.gradient(z -> cost_of(z)[1], point)
        gradient[:, column] .+= slopes[1:n_theta] ./ n
        given === nothing || (y0_gradient[:, r, k] .= slopes[(n_theta + 1):end] ./ n)
    end
    no_gradient_of_failures!(gradient, y0_gradient, status)
    return nothing
end
