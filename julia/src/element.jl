# One element of a batch as an ordinary differential equation.
#
# Under voltage clamp the voltage is known: it is put into `full` at every call, the first state
# stands still, and the Jacobian's first column becomes the derivative by time.

"A model under a protocol, with the memory that the solver's callbacks need."
mutable struct Element
    const model::Model{Float64}
    const cursor::StimulusCursor
    const full::Vector{Float64}
    const slope::Vector{Float64}
    const jacobian::Matrix{Float64}
end

function Element(model::Model{Float64}, protocols::Protocols, element::Int)
    n = n_states(model.system)
    return Element(model, StimulusCursor(protocols, element), zeros(n), zeros(n), zeros(n, n))
end

is_clamped(element::Element) = element.cursor.protocols.clamped

"The state `y` at `t`, with the command in it under voltage clamp."
@inline function full_state(element::Element, y, t)
    copyto!(element.full, y)
    @inbounds element.full[1] = stimulus(element.cursor, t)
    return element.full
end

"dy/dt at known stimulus `u`; under voltage clamp `y` holds the command."
@inline function slope!(dy, y, u, model::Model, clamped::Bool)
    if !clamped
        rhs!(dy, y, u, model)
    else
        is_black_box(model.system) ? black_box_rhs!(dy, y, 0.0, model) :
        is_program(model.system) ? program_rhs!(dy, y, 0.0, model) : gate_rhs!(dy, y, model)
        @inbounds dy[1] = 0
    end
    return nothing
end

"""
The Jacobian by the state into `jacobian`, and the derivative by time into `by_time`, at a
stimulus `u` that changes at the rate `du`.
"""
function linearize!(jacobian, by_time, y, u, du, model::Model, clamped::Bool)
    if clamped
        fill!(jacobian, 0)
        if is_black_box(model.system)
            black_box_jacobian!(jacobian, y, 0.0, model)
        elseif is_program(model.system)
            program_jacobian!(jacobian, y, 0.0, model)
        else
            gate_jacobian!(jacobian, y, model)
        end
        @inbounds for j in axes(jacobian, 1)
            by_time[j] = jacobian[j, 1] * du
            jacobian[j, 1] = jacobian[1, j] = 0
        end
        @inbounds by_time[1] = 0
        return nothing
    end
    jacobian!(jacobian, y, u, model)
    if iszero(du)
        fill!(by_time, 0)
    elseif is_black_box(model.system)
        black_box_stimulus_slope!(by_time, y, u, model)
        by_time .*= du
    else
        fill!(by_time, 0)
        @inbounds by_time[1] = du * model.inverse_c[]
    end
    return nothing
end

# What the solvers call.
struct RightHandSide
    element::Element
end

function (f::RightHandSide)(dy, y, _, t)
    element = f.element
    is_clamped(element) && return slope!(dy, full_state(element, y, t), 0.0, element.model, true)
    return slope!(dy, y, stimulus(element.cursor, t), element.model, false)
end

struct Jacobian
    element::Element
end

function (f::Jacobian)(jacobian, y, _, t)
    element = f.element
    clamped = is_clamped(element)
    state = clamped ? full_state(element, y, t) : y
    u = stimulus(element.cursor, t)
    linearize!(jacobian, element.slope, state, u, 0.0, element.model, clamped)
    return nothing
end

struct TimeGradient
    element::Element
end

function (f::TimeGradient)(by_time, y, _, t)
    element = f.element
    u, du, _ = signal(element.cursor, t)
    if iszero(du)
        fill!(by_time, 0)
        return nothing
    end
    clamped = is_clamped(element)
    if clamped || is_black_box(element.model.system)
        state = clamped ? full_state(element, y, t) : y
        linearize!(element.jacobian, by_time, state, u, du, element.model, clamped)
    else
        fill!(by_time, 0)
        by_time[1] = du * element.model.inverse_c[]
    end
    return nothing
end

function ode_function(element::Element)
    f, jacobian, by_time = RightHandSide(element), Jacobian(element), TimeGradient(element)
    return ODEFunction{true,FullSpecialize}(f; jac=jacobian, tgrad=by_time)
end
