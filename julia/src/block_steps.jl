# Tsit5 for a block of elements, each with its own step size and error control: the method, the
# controller and the dense output of explicit.jl, for all elements at once.

"""
The elements of a batch in a block on their way: one number, or column, for each of them. Times are
in double precision whatever `T` is.

`element` is the place in the batch, 0 for one that is no longer needed. Of the step being taken:
`dt` is its length as a number of type `T`, `reaches` (1 or 0) whether it goes to `piece_end`,
`accepts` whether it is small enough. `limit` is the number of steps at which to ask whether there
have been too many.
"""
struct Block{T}
    model::BlockModel{T}
    scalar::Model{Float64}
    jacobian::BlockJacobian{T}
    y::Matrix{T}
    at::Matrix{T}
    k::NTuple{8,Matrix{T}}
    dense::NTuple{4,Matrix{T}}
    u::Vector{T}
    dt::Vector{T}
    sums::NTuple{2,Vector{T}}
    level::Vector{Float64}
    t::Vector{Float64}
    h::Vector{Float64}
    step::Vector{Float64}
    t_next::Vector{Float64}
    piece_end::Vector{Float64}
    sample_time::Vector{Float64}
    error::Vector{Float64}
    before::Vector{Float64}
    reaches::Vector{Float64}
    accepts::Vector{Float64}
    accepted::Vector{Float64}
    rejected::Vector{Float64}
    limit::Vector{Float64}
    t1::Vector{Float64}
    # Whether v rises in the step that was taken, whether it crosses 0 mV, and how many steps were
    # as long as stability allows.
    rises::Vector{Float64}
    crosses::Vector{Float64}
    stiff::Vector{Float64}
    atol::Vector{T}
    low::Vector{T}
    high::Vector{T}
    element::Vector{Int}
    sample::Vector{Int}
    first_piece::Vector{Int}
    cursors::Vector{StimulusCursor}
    # Of the elements that are in the block now.
    watched::Vector{VoltageSteps}
end

function Block{T}(system::System, protocols::Protocols, options::Options) where {T}
    n, count, arena = n_states(system), width(T), Arena()
    state() = columns_of_block(arena, T, n)
    column() = take!(arena, T, count)
    bounded(x, otherwise) = T[b ? x : otherwise for b in system.bounded]
    model = BlockModel{T}(system, arena)
    return Block{T}(model, Model{Float64}(system), BlockJacobian(model), state(), state(),
        ntuple(_ -> state(), 8), ntuple(_ -> state(), 4), column(), column(),
        (column(), column()), (take!(arena, Float64, count) for _ in 1:18)...,
        T[absolute(options, j, system) for j in 1:n], bounded(0, -Inf), bounded(1, Inf), zeros(Int, count),
        ones(Int, count), ones(Int, count), [StimulusCursor(protocols, 1) for _ in 1:count],
        [VoltageSteps(0, MOST_STEPS) for _ in 1:count])
end

"to = y + scale Σ coefficients·k, over the first stages, for the columns of `n` states."
@inline function block_combine!(
    to::Matrix{T}, y, scale, k, coefficients::NTuple{N,Float64}, n::Int
) where {T,N}
    weights = map(T, coefficients)
    Base.Cartesian.@nexprs 7 i -> (k_i = k[i])
    @inbounds for j in 1:n
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            total = weights[1] * k_1[o + w]
            Base.Cartesian.@nexprs 7 i -> (
                1 < i <= N && (total = muladd(weights[i], k_i[o + w], total)))
            to[o + w] = muladd(scale[w], total, y[o + w])
        end
    end
    return nothing
end

"The slopes `dy` of all elements at the states `y`, a part `c` into their steps."
@inline function block_slopes!(
    dy, b::Block{T}, y, c::Float64, clamped::Bool, varying::Bool, model::BlockModel{T}=b.model
) where {T}
    signal = clamped ? model.v : b.u
    if varying
        for w in 1:width(T)
            signal[w] = isnan(b.level[w]) ?
                stimulus(b.cursors[w], muladd(c, b.step[w], b.t[w])) : b.level[w]
        end
    elseif clamped
        copyto!(signal, b.level)
    end
    if !clamped
        v = model.v
        @vectorized for w in 1:width(T)
            v[w] = y[offset(T, 1) + w]
        end
    end
    block_rhs!(dy, y, b.u, model, clamped)
    return nothing
end

"How long the next steps are: to the end of a piece where that is near, else `h`."
@inline function next_steps!(b::Block{T}) where {T}
    step, dt, h, t, piece_end, reaches = b.step, b.dt, b.h, b.t, b.piece_end, b.reaches
    @vectorized for w in 1:width(T)
        left = piece_end[w] - t[w]
        near = h[w] >= left * (1 - 1e-6)
        reaches[w] = ifelse(near, 1.0, 0.0)
        long = ifelse(near, left, h[w])
        step[w], dt[w] = long, T(long)
    end
    return nothing
end

"A step of every element from `b.y` to `b.at`, and its error in units of the tolerance."
function block_step!(b::Block{T}, rtol::Float64, clamped::Bool, varying::Bool) where {T}
    y, at, k, dt, n = b.y, b.at, b.k, b.dt, n_states(b.model.system)
    next_steps!(b)
    Base.Cartesian.@nexprs 6 i -> begin
        block_combine!(at, y, dt, k, TSIT5_ROWS[i], n)
        block_slopes!(k[i + 1], b, at, TSIT5.c[i + 1], clamped, varying)
    end
    block_error!(b, rtol, n)
    return nothing
end

@inline function block_error!(b::Block{T}, rtol::Float64, n::Int) where {T}
    weights, relative, sums = map(T, TSIT5_ERROR), T(rtol), b.sums[1]
    y, at, dt, error = b.y, b.at, b.dt, b.error
    Base.Cartesian.@nexprs 7 i -> (k_i = b.k[i])
    @vectorized for w in 1:width(T)
        sums[w] = zero(T)
    end
    @inbounds for j in 1:n
        o, atol = offset(T, j), b.atol[j]
        @vectorized for w in 1:width(T)
            e = weights[1] * k_1[o + w]
            Base.Cartesian.@nexprs 6 i -> (e = muladd(weights[i + 1], k_{i + 1}[o + w], e))
            from, to = abs(y[o + w]), abs(at[o + w])
            size = muladd(relative, ifelse(from > to, from, to), atol)
            sums[w] += abs2(dt[w] * e / size)
        end
    end
    @vectorized for w in 1:width(T)
        error[w] = sqrt(sums[w] / n)
    end
    return nothing
end

"""
Which steps are accepted, where they end, and how long the next ones may be, by the exponents of a
proportional-integral controller.
"""
function control!(
    b::Block{T}, longest::Float64, proportional::Float64=PROPORTIONAL, integral::Float64=INTEGRAL
) where {T}
    error, before, h, t, t_next, step = b.error, b.before, b.h, b.t, b.t_next, b.step
    reaches, accepts, accepted, rejected = b.reaches, b.accepts, b.accepted, b.rejected
    piece_end, least = b.piece_end, log(LEAST_ERROR)
    @vectorized for w in 1:width(T)
        e = error[w]
        ok, near = e <= 1.0, reaches[w] > 0.0
        logarithm = branchless_log(ifelse(e > 1e-30, ifelse(e < 1e300, e, 1e300), 1e-30))
        power = branchless_exp(integral * ifelse(ok, before[w], 0.0) - proportional * logarithm)
        factor = SAFETY * power
        smaller = ifelse((factor > SHRINK) & (e < Inf), factor, SHRINK)
        proposed = step[w] * ifelse(factor > SHRINK, ifelse(factor < GROW, factor, GROW), SHRINK)
        # A step cut short by a breakpoint says little about the next one: never shrink for it.
        proposed = ifelse(near & (h[w] > proposed), h[w], proposed)
        h[w] = ifelse(ok, ifelse(proposed < longest, proposed, longest), step[w] * smaller)
        t_next[w] = ifelse(ok, ifelse(near, piece_end[w], t[w] + step[w]), t[w])
        before[w] = ifelse(ok, ifelse(logarithm > least, logarithm, least), before[w])
        accepts[w] = ifelse(ok, 1.0, 0.0)
        accepted[w] += ifelse(ok, 1.0, 0.0)
        rejected[w] += ifelse(ok, 0.0, 1.0)
    end
    return nothing
end

"Go to the end of the accepted steps; the last stage of a step is the first one of the next."
function block_advance!(b::Block{T}) where {T}
    y, at, t, t_next, accepts, first, last = b.y, b.at, b.t, b.t_next, b.accepts, b.k[1], b.k[7]
    @inbounds for j in 1:n_states(b.model.system)
        @vectorized for w in 1:width(T)
            ok = accepts[w] > 0.0
            y[offset(T, j) + w] = ifelse(ok, at[offset(T, j) + w], y[offset(T, j) + w])
            first[offset(T, j) + w] = ifelse(ok, last[offset(T, j) + w], first[offset(T, j) + w])
        end
    end
    @vectorized for w in 1:width(T)
        t[w] = t_next[w]
    end
    return nothing
end

"The coefficients of θ, θ², θ³ and θ⁴ inside the steps, of the first `n` states."
function block_dense!(b::Block{T}, n::Int) where {T}
    Base.Cartesian.@nexprs 7 i -> (k_i = b.k[i])
    dt = b.dt
    for power in 1:4
        to, p = b.dense[power], ntuple(i -> T(TSIT5_POWERS[power][i]), 7)
        @inbounds for j in 1:n
            o = offset(T, j)
            @vectorized for w in 1:width(T)
                total = p[1] * k_1[o + w]
                Base.Cartesian.@nexprs 6 i -> (total = muladd(p[i + 1], k_{i + 1}[o + w], total))
                to[o + w] = dt[w] * total
            end
        end
    end
    return nothing
end

"Whether v rises anywhere in the steps, and whether it crosses 0 mV, as in voltage_steps.jl."
function block_rises!(b::Block{T}) where {T}
    c1, c2, c3, c4 = b.dense
    y, rising, crossing = b.y, b.rises, b.crosses
    @vectorized for w in 1:width(T)
        c = (y[w], c1[w], c2[w], c3[w], c4[w])
        before, up, across = y[w], false, false
        Base.Cartesian.@nexprs 8 i -> begin
            after = quartic(c, T(i / 8))
            up |= before < after
            across |= (before < T(1e-9)) & (after >= T(-1e-9))
            before = after
        end
        rising[w], crossing[w] = ifelse(up, 1.0, 0.0), ifelse(across, 1.0, 0.0)
    end
    return nothing
end

# How far Tsit5 is stable along the negative axis: h·λ.
const TSIT5_STABLE = 3.5068
const TSIT5_LAST_ROWS = ntuple(i -> TSIT5_ROWS[6][i] - (i <= 5 ? TSIT5_ROWS[5][i] : 0.0), 6)

"""
Count the steps whose length is bounded by stability: by the ratio of the changes of slope and state
between the last two stages, as OrdinaryDiffEq's switch to a method for stiff equations does.
"""
function block_stiffness!(b::Block{T}) where {T}
    weights, (change, moved) = map(T, TSIT5_LAST_ROWS), b.sums
    Base.Cartesian.@nexprs 7 i -> (k_i = b.k[i])
    stiff, accepts = b.stiff, b.accepts
    @vectorized for w in 1:width(T)
        change[w] = moved[w] = zero(T)
    end
    @inbounds for j in 1:n_states(b.model.system)
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            total = weights[1] * k_1[o + w]
            Base.Cartesian.@nexprs 5 i -> (total = muladd(weights[i + 1], k_{i + 1}[o + w], total))
            change[w] += abs2(k_7[o + w] - k_6[o + w])
            moved[w] += abs2(total)
        end
    end
    limit = T(abs2(0.9 * TSIT5_STABLE))
    @vectorized for w in 1:width(T)
        # h·λ > 0.9·size, with both sides squared; `moved` is without the factor h.
        bounded = change[w] > limit * moved[w]
        stiff[w] += ifelse(accepts[w] > 0, ifelse(bounded, 1.0, 0.0), 0.0)
    end
    return nothing
end
