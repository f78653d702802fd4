# A small dense LU factorisation without allocation: neurons have four to ten states, for which
# a call to LAPACK takes longer than the arithmetic.

"Factor `a` in place with row exchanges; `pivots` holds them."
function factor!(a::Matrix{Float64}, pivots::Vector{Int})
    n = size(a, 1)
    @inbounds for k in 1:n
        p = k
        for i in (k + 1):n
            abs(a[i, k]) > abs(a[p, k]) && (p = i)
        end
        pivots[k] = p
        if p != k
            for j in 1:n
                a[k, j], a[p, j] = a[p, j], a[k, j]
            end
        end
        inverse = inv(a[k, k])
        for i in (k + 1):n
            a[i, k] *= inverse
        end
        for j in (k + 1):n
            factor = a[k, j]
            iszero(factor) && continue
            for i in (k + 1):n
                a[i, j] = muladd(-a[i, k], factor, a[i, j])
            end
        end
    end
    return nothing
end

"Solve A x = b for the columns `b` in place."
function solve_factored!(a::Matrix{Float64}, pivots::Vector{Int}, b)
    n = size(a, 1)
    @inbounds begin
        for k in 1:n
            p = pivots[k]
            b[k], b[p] = b[p], b[k]
        end
        for k in 1:n, i in (k + 1):n
            b[i] = muladd(-a[i, k], b[k], b[i])
        end
        for k in n:-1:1
            b[k] /= a[k, k]
            for i in 1:(k - 1)
                b[i] = muladd(-a[i, k], b[k], b[i])
            end
        end
    end
    return b
end

"Solve Aᵀ x = b in place."
function solve_transposed!(a::Matrix{Float64}, pivots::Vector{Int}, b)
    n = size(a, 1)
    @inbounds begin
        for k in 1:n
            total = b[k]
            for i in 1:(k - 1)
                total = muladd(-a[i, k], b[i], total)
            end
            b[k] = total / a[k, k]
        end
        for k in n:-1:1
            total = b[k]
            for i in (k + 1):n
                total = muladd(-a[i, k], b[i], total)
            end
            b[k] = total
        end
        for k in n:-1:1
            p = pivots[k]
            b[k], b[p] = b[p], b[k]
        end
    end
    return b
end
