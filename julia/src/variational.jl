# Forward sensitivities: the variational equations along a known trajectory, dS/dt = A S + B with A
# the derivatives of the right-hand side by the state and B those along q directions in theta.
# Matrices have the directions first: (q, S).

const FAST = 1e4  # per ms: a gate that is faster follows v as well

"A and B at one node of a trajectory."
struct VariationalNode
    a::Matrix{Float64}
    b::Matrix{Float64}
end

VariationalNode(n::Int, q::Int) = VariationalNode(zeros(n, n), zeros(q, n))

function set_node!(node::VariationalNode, d::WeightDirections, model, state, u, work)
    jacobian!(node.a, state, u, model)
    evaluate!(work.value, Slopes(), state, u, model)
    outputs_along!(d, model)
    n = length(state)
    @inbounds for i in 1:n
        along!(node.b, i, d, Slopes(), i, state, u, model, work)
        # Rows of any size leave nothing of the others in a double.
        calm = min(1.0, FAST / max(abs(node.a[i, i]), 1e-9))
        calm < 1 || continue
        for j in 1:n
            node.a[i, j] *= calm
        end
        for j in axes(node.b, 1)
            node.b[j, i] *= calm
        end
    end
    return nothing
end

"""
    forward_sensitivities!(out, system, theta, t, y, u, places, slopes, counts, columns, start)

How v moves at every second node of a trajectory: `out` (q, M). Nodes `t` (N) are at both ends and
in the middle of each step, with the states `y` (N, S) and stimuli `u` (N); the state at the first
moves by `start` (q, S), whose last rows may be more than there are directions. By Lobatto's method
(IIIA, of order 4), which stays bounded however fast a gate is.
"""
function forward_sensitivities!(
    out, system::System, theta, t, y, u, places, slopes, counts, columns, start
)
    model, n, q = bind!(Model{Float64}(system), theta), n_states(system), size(start, 1)
    d = WeightDirections(system, places, slopes, counts, columns)
    first, middle, last = (VariationalNode(n, q) for _ in 1:3)
    work, state, moved = LobattoWork(n, q), zeros(n), copy(start)
    out[:, 1] .= @view moved[:, 1]
    set_node!(first, d, model, state!(state, y, 1), u[1], work)
    for k in 1:2:(length(t) - 2)
        set_node!(middle, d, model, state!(state, y, k + 1), u[k + 1], work)
        set_node!(last, d, model, state!(state, y, k + 2), u[k + 2], work)
        moved = lobatto_step!(moved, work, first, middle, last, (t[k + 2] - t[k]) / 6)
        out[:, (k + 3) ÷ 2] .= @view moved[:, 1]
        first, last = last, first
    end
    return nothing
end

struct LobattoWork
    bar::Vector{Float64}
    y_bar::Vector{Float64}
    value::Vector{Float64}
    left::Matrix{Float64}
    right::Matrix{Float64}
    step::Matrix{Float64}
    inverse::Matrix{Float64}
    pivots::Vector{Int}
    push::Matrix{Float64}
    next::Matrix{Float64}
end

LobattoWork(n::Int, q::Int) = LobattoWork((zeros(n) for _ in 1:3)..., (zeros(n, n) for _ in 1:4)...,
    zeros(Int, n), zeros(q, n), zeros(q, n))

"S after a step of length 6·`h`; the memory of the one before is used for the next."
function lobatto_step!(moved, work::LobattoWork, first, middle, last, h)
    n = size(moved, 2)
    left, right, inverse, push = work.left, work.right, work.inverse, work.push
    @inbounds for j in 1:n, i in 1:n
        ahead = behind = 0.0
        for k in 1:n
            ahead = muladd(middle.a[i, k], last.a[k, j], ahead)
            behind = muladd(middle.a[i, k], first.a[k, j], behind)
        end
        eye = i == j ? 1.0 : 0.0
        left[i, j] = eye - h * (last.a[i, j] + 2 * middle.a[i, j] - 3h * ahead)
        right[i, j] = eye + h * (first.a[i, j] + 2 * middle.a[i, j] + 3h * behind)
        inverse[i, j] = eye
    end
    factor!(left, work.pivots)
    for j in 1:n
        solve_factored!(left, work.pivots, @view inverse[:, j])
    end
    @inbounds for i in 1:n
        @simd ivdep for j in axes(push, 1)
            push[j, i] = h * (first.b[j, i] + 4 * middle.b[j, i] + last.b[j, i])
        end
        for k in 1:n
            add_difference!(push, i, first.b, last.b, k, 3h * h * middle.a[i, k])
            add_column!(push, i, moved, k, size(push, 1), right[i, k])
        end
    end
    next = work.next
    fill!(next, 0)
    @inbounds for i in 1:n, k in 1:n
        add_column!(next, i, push, k, size(push, 1), inverse[i, k])
    end
    copyto!(moved, next)
    return moved
end

@inline function add_difference!(to, column::Int, a, b, other::Int, factor)
    @inbounds @simd ivdep for j in axes(to, 1)
        to[j, column] = muladd(factor, a[j, other] - b[j, other], to[j, column])
    end
end
