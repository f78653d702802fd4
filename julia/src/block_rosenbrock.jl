# Rodas5P for a block of elements, each with its own step size and error control. The matrix of each
# element is factored and solved in the shape that it has: a first row, a first column, a diagonal.

# Rows of the tableau without their zeros; stage 7 and 8 and the end of a step each add one more
# increment to the state of the stage before.
const RODAS5P_ROWS = ntuple(i -> ntuple(j -> RODAS5P.a[i + 1, j], i), 5)
const RODAS5P_C_ROWS = ntuple(i -> ntuple(j -> RODAS5P.c_matrix[i + 1, j], i), 7)
const RODAS5P_POWERS = ntuple(p -> ntuple(i -> RODAS5P.dense[p, i], 8), 4)

# Without a part for the step before: a tenth fewer steps are tried for the same error of spike times.
const ROSENBROCK_CONTROL = (0.2, 0.0)

"A step of every element from `b.y` to `b.at`, and its error in units of the tolerance."
function rosenbrock_step!(b::Block{T}, rtol::Float64, clamped::Bool, varying::Bool) where {T}
    y, at, k, jac, n = b.y, b.at, b.k, b.jacobian, n_states(b.model.system)
    next_steps!(b)
    block_slopes!(k[1], b, y, 0.0, clamped, varying)
    block_jacobian!(jac, y, b.model, clamped)
    varying && block_by_time!(b, clamped)
    block_factor!(b, clamped)
    varying && add_by_time!(k[1], b, RODAS5P.d[1])
    block_solve_factored!(k[1], jac, n)
    Base.Cartesian.@nexprs 7 i -> begin
        i < 6 ? block_add!(at, y, k, RODAS5P_ROWS[min(i, 5)], n) : add_block!(at, k[i], n)
        block_slopes!(k[i + 1], b, at, RODAS5P.c[i + 1], clamped, varying)
        block_combine!(k[i + 1], k[i + 1], jac.inverse_h, k, RODAS5P_C_ROWS[i], n)
        varying && i < 5 && add_by_time!(k[i + 1], b, RODAS5P.d[i + 1])
        block_solve_factored!(k[i + 1], jac, n)
    end
    add_block!(at, k[8], n)
    rosenbrock_error!(b, rtol, n)
    return nothing
end

"to = y + Σ coefficients·k, over the first stages, for the columns of `n` states."
@inline function block_add!(to::Matrix{T}, y, k, coefficients::NTuple{N,Float64}, n::Int) where {T,N}
    weights = map(T, coefficients)
    Base.Cartesian.@nexprs 5 i -> (k_i = k[i])
    for j in 1:n
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            total = y[o + w]
            Base.Cartesian.@nexprs 5 i -> (
                i <= N && (total = muladd(weights[i], k_i[o + w], total)))
            to[o + w] = total
        end
    end
    return nothing
end

"The derivatives of dy/dt by time, where a stimulus or a command changes inside its pieces."
function block_by_time!(b::Block{T}, clamped::Bool) where {T}
    jac, n, inverse_c = b.jacobian, n_states(b.model.system), b.model.parameters.inverse_c
    by_time, column, du = jac.by_time, jac.column, jac.du
    for w in 1:width(T)
        du[w] = isnan(b.level[w]) ? signal(b.cursors[w], b.t[w])[2] : 0.0
    end
    @vectorized for w in 1:width(T)
        by_time[w] = ifelse(clamped, zero(T), du[w] * inverse_c[w])
    end
    for j in 2:n
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            by_time[o + w] = ifelse(clamped, du[w] * column[o + w], zero(T))
        end
    end
    return nothing
end

"r += h d ∂f/∂t"
@inline function add_by_time!(r::Matrix{T}, b::Block{T}, d::Float64) where {T}
    by_time, dt, weight = b.jacobian.by_time, b.dt, T(d)
    for j in 1:n_states(b.model.system)
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            r[o + w] = muladd(dt[w] * weight, by_time[o + w], r[o + w])
        end
    end
    return nothing
end

"""
Factor I/(hγ) - J: the pivots of the gates, and last that of v. Afterwards `diagonal` holds their
inverses, `row` and `column` the entries times the pivot of their gate.
"""
function block_factor!(b::Block{T}, clamped::Bool) where {T}
    jac, n, dt = b.jacobian, n_states(b.model.system), b.dt
    row, column, diagonal, inverse_h = jac.row, jac.column, jac.diagonal, jac.inverse_h
    inverse_gamma, last_pivot = T(1 / RODAS5P.gamma), jac.weight
    @vectorized for w in 1:width(T)
        inverse_h[w] = 1 / dt[w]
        last_pivot[w] = muladd(inverse_gamma, inverse_h[w], -diagonal[w])
    end
    for j in 2:n
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            pivot = 1 / muladd(inverse_gamma, inverse_h[w], -diagonal[o + w])
            diagonal[o + w] = pivot
            follows = ifelse(clamped, zero(T), column[o + w] * pivot)
            last_pivot[w] = muladd(-row[o + w], follows, last_pivot[w])
            row[o + w] *= pivot
            column[o + w] = follows
        end
    end
    @vectorized for w in 1:width(T)
        diagonal[w] = 1 / last_pivot[w]
    end
    return nothing
end

"Solve (I/(hγ) - J) x = r in place."
@inline function block_solve_factored!(r::Matrix{T}, jac::BlockJacobian{T}, n::Int) where {T}
    row, column, diagonal = jac.row, jac.column, jac.diagonal
    for j in 2:n
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            r[w] = muladd(row[o + w], r[o + w], r[w])
        end
    end
    @vectorized for w in 1:width(T)
        r[w] *= diagonal[w]
    end
    for j in 2:n
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            r[o + w] = muladd(column[o + w], r[w], diagonal[o + w] * r[o + w])
        end
    end
    return nothing
end

"The last increment in units of the tolerance: by it the method of order 4 differs."
function rosenbrock_error!(b::Block{T}, rtol::Float64, n::Int) where {T}
    relative, sums, y, at, last, error = T(rtol), b.sums[1], b.y, b.at, b.k[8], b.error
    zero_vector!(sums)
    for j in 1:n
        o, atol = offset(T, j), @inbounds b.atol[j]
        @vectorized for w in 1:width(T)
            from, to = abs(y[o + w]), abs(at[o + w])
            size = muladd(relative, ifelse(from > to, from, to), atol)
            sums[w] += abs2(last[o + w] / size)
        end
    end
    @vectorized for w in 1:width(T)
        error[w] = sqrt(sums[w] / n)
    end
    return nothing
end

@inline function zero_vector!(x::Vector{T}) where {T}
    @vectorized for w in 1:width(T)
        x[w] = zero(T)
    end
    return nothing
end

"The coefficients of θ, θ², θ³ and θ⁴ inside the steps, of the first `n` states."
function rosenbrock_dense!(b::Block{T}, n::Int) where {T}
    Base.Cartesian.@nexprs 8 i -> (k_i = b.k[i])
    Base.Cartesian.@nexprs 4 power -> begin
        to_power, p_power = b.dense[power], map(T, RODAS5P_POWERS[power])
    end
    for j in 1:n
        o = offset(T, j)
        Base.Cartesian.@nexprs 4 power -> begin
            @vectorized for w in 1:width(T)
                total = p_power[1] * k_1[o + w]
                Base.Cartesian.@nexprs 7 i -> (
                    total = muladd(p_power[i + 1], k_{i + 1}[o + w], total))
                to_power[o + w] = total
            end
        end
    end
    return nothing
end
