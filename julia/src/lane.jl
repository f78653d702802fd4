# One element of a batch as an ordinary differential equation.
#
# Under voltage clamp the voltage is known: it is put into `full` at every call, the first state
# stands still, and the Jacobian's first column becomes the derivative by time.

"A model under a protocol, with the memory that the solver's callbacks need."
mutable struct Lane
    const model::Model{Float64}
    const drive::Drive
    const full::Vector{Float64}
    const slope::Vector{Float64}
    const jacobian::Matrix{Float64}
end

function Lane(model::Model{Float64}, protocols::Protocols, lane::Int)
    n = n_states(model.system)
    return Lane(model, Drive(protocols, lane), zeros(n), zeros(n), zeros(n, n))
end

is_clamped(lane::Lane) = lane.drive.protocols.clamped

"The state `y` at `t`, with the command in it under voltage clamp."
@inline function full_state(lane::Lane, y, t)
    copyto!(lane.full, y)
    @inbounds lane.full[1] = stimulus(lane.drive, t)
    return lane.full
end

"dy/dt at known stimulus `u`; under voltage clamp `y` holds the command."
@inline function slope!(dy, y, u, model::Model, clamped::Bool)
    if !clamped
        rhs!(dy, y, u, model)
    else
        is_black_box(model.system) ? box_rhs!(dy, y, 0.0, model) : gate_rhs!(dy, y, model)
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
        black_box = is_black_box(model.system)
        black_box ? box_jacobian!(jacobian, y, 0.0, model) : gate_jacobian!(jacobian, y, model)
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
        box_stimulus_slope!(by_time, y, u, model)
        by_time .*= du
    else
        fill!(by_time, 0)
        @inbounds by_time[1] = du * model.inverse_c[]
    end
    return nothing
end

# What the solvers call.
struct RightHandSide
    lane::Lane
end

function (f::RightHandSide)(dy, y, _, t)
    lane = f.lane
    is_clamped(lane) && return slope!(dy, full_state(lane, y, t), 0.0, lane.model, true)
    return slope!(dy, y, stimulus(lane.drive, t), lane.model, false)
end

struct Jacobian
    lane::Lane
end

function (f::Jacobian)(jacobian, y, _, t)
    lane = f.lane
    clamped = is_clamped(lane)
    state = clamped ? full_state(lane, y, t) : y
    linearize!(jacobian, lane.slope, state, stimulus(lane.drive, t), 0.0, lane.model, clamped)
    return nothing
end

struct TimeGradient
    lane::Lane
end

function (f::TimeGradient)(by_time, y, _, t)
    lane = f.lane
    u, du, _ = signal(lane.drive, t)
    if iszero(du)
        fill!(by_time, 0)
        return nothing
    end
    clamped = is_clamped(lane)
    if clamped || is_black_box(lane.model.system)
        state = clamped ? full_state(lane, y, t) : y
        linearize!(lane.jacobian, by_time, state, u, du, lane.model, clamped)
    else
        fill!(by_time, 0)
        by_time[1] = du * lane.model.inverse_c[]
    end
    return nothing
end

function ode_function(lane::Lane)
    f, jacobian, by_time = RightHandSide(lane), Jacobian(lane), TimeGradient(lane)
    return ODEFunction{true,FullSpecialize}(f; jac=jacobian, tgrad=by_time)
end
