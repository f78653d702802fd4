# The steady state, at a known voltage, of a neuron that is a program: where all states but v stand
# still, by Newton's method with halved steps. States that are given, or have none, stay.

const STEADY_ITERATIONS, STEADY_HALVINGS, STEADY_CLOSE = 60, 12, 1e-13

"The states that the search moves."
moving_states(system::System) =
    findall(j -> !system.program.held[j] && isnan(system.initial[j]), 1:n_states(system))

"The slopes of the moving states and their Jacobian, and how far they are from standing still."
function steady_equations!(dy, jacobian, y, model, moving)
    program_rhs!(dy, y, 0, model)
    program_jacobian!(jacobian, y, 0, model)
    slopes, matrix = dy[moving], jacobian[moving, moving]
    far = maximum(i -> abs(slopes[i] / matrix[i, i]), eachindex(moving); init=zero(eltype(dy)))
    return slopes, matrix, isfinite(far) ? far : oftype(far, Inf)
end

function program_steady_state!(y, v, model::Model{T}) where {T}
    system, program = model.system, model.system.program
    y .= zero(T)
    y[1] = v
    value = run_program!(T, model, program.for_start, copy(y), zero(T))
    for j in 2:length(y)
        y[j] = isnan(system.initial[j]) ? value[program.start[j]] : system.initial[j]
    end
    moving = moving_states(system)
    isempty(moving) && return y
    dy, jacobian, new = similar(y), zeros(T, length(y), length(y)), copy(y)
    slopes, matrix, far = steady_equations!(dy, jacobian, y, model, moving)
    for _ in 1:STEADY_ITERATIONS
        step = small_solve(matrix, -slopes)
        all(isfinite, step) || break
        size, before = one(T), far
        for _ in 1:STEADY_HALVINGS
            new .= y
            new[moving] .+= size .* step
            slopes, matrix, far = steady_equations!(dy, jacobian, new, model, moving)
            far <= before && break
            size /= 2
        end
        y .= new
        all(i -> abs(step[i]) <= STEADY_CLOSE * abs(y[moving[i]]), eachindex(step)) && break
    end
    return y
end

"The solution of a small system of equations; not a number where there is none."
function small_solve(matrix::Matrix{Float64}, right::Vector{Float64}, transposed::Bool=false)
    factored, pivots = copy(matrix), zeros(Int, length(right))
    factor!(factored, pivots)
    return transposed ? solve_transposed!(factored, pivots, copy(right)) :
        solve_factored!(factored, pivots, copy(right))
end

small_solve(matrix::Matrix, right::Vector, transposed::Bool=false) =
    (transposed ? transpose(matrix) : matrix) \ right

"What flows back to the steady state at a known `v` on to the parameters."
function program_steady_pullback!(gradient, v, y_bar, model::Model{T}) where {T}
    y = program_steady_state!(zeros(T, length(y_bar)), v, model)
    return standing_pullback!(gradient, y, y_bar, model)
end

"The same where the steady state `y` is known: by the equations that hold there."
function standing_pullback!(gradient, y, y_bar, model::Model{T}) where {T}
    moving, n = moving_states(model.system), length(y)
    isempty(moving) && return nothing
    jacobian, bar = zeros(T, n, n), zeros(T, n)
    program_jacobian!(jacobian, y, 0, model)
    bar[moving] .= .-small_solve(jacobian[moving, moving], y_bar[moving], true)
    return program_pullback!(zeros(T, n), gradient, y, 0, bar, model, true)
end
