# Tsit5 for a block of elements, each with its own step size and error control: the method, the
# controller and the dense output of explicit.jl, for WIDTH elements at once.

"""
WIDTH elements of a batch on their way: one number, or column, for each of them.

`element` is the place in the batch, 0 for one that is no longer needed. Of the step being taken:
`reaches` (1 or 0) whether it goes to `piece_end`, `accepts` whether it is small enough. `limit` is
the number of steps at which to ask whether there have been too many.
"""
struct Block
    model::BlockModel
    scalar::Model{Float64}
    y::Matrix{Float64}
    at::Matrix{Float64}
    k::NTuple{7,Matrix{Float64}}
    dense::NTuple{4,Matrix{Float64}}
    u::Vector{Float64}
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
    atol::Vector{Float64}
    low::Vector{Float64}
    high::Vector{Float64}
    element::Vector{Int}
    sample::Vector{Int}
    first_piece::Vector{Int}
    t1::Vector{Float64}
    # Whether v rises in the step that was taken, whether it crosses 0 mV, and how many steps were
    # as long as stability allows.
    rises::Vector{Float64}
    crosses::Vector{Float64}
    stiff::Vector{Float64}
    cursors::Vector{StimulusCursor}
end

function Block(system::System, protocols::Protocols, options::Options)
    n = n_states(system)
    state() = columns_of_block(n)
    bounded(x, otherwise) = [b ? x : otherwise for b in system.bounded]
    return Block(BlockModel(system), Model{Float64}(system), state(), state(),
        ntuple(_ -> state(), 7), ntuple(_ -> state(), 4), (zeros(WIDTH) for _ in 1:15)...,
        [absolute(options, j) for j in 1:n], bounded(0.0, -Inf), bounded(1.0, Inf),
        zeros(Int, WIDTH), ones(Int, WIDTH), ones(Int, WIDTH), (zeros(WIDTH) for _ in 1:4)...,
        [StimulusCursor(protocols, 1) for _ in 1:WIDTH])
end

"to = y + step Σ weights·k, over the first stages, for the columns of `n` states."
@inline function block_combine!(to, y, step, k, weights::NTuple{N,Float64}, n::Int) where {N}
    Base.Cartesian.@nexprs 7 i -> (k_i = k[i])
    @inbounds for j in 1:n
        o = offset(j)
        @simd ivdep for w in 1:WIDTH
            total = weights[1] * k_1[o + w]
            Base.Cartesian.@nexprs 6 i -> (
                1 < i <= N && (total = muladd(weights[i], k_i[o + w], total)))
            to[o + w] = muladd(step[w], total, y[o + w])
        end
    end
    return nothing
end

"The slopes `dy` of all elements at the states `y`, a part `c` into their steps."
@inline function block_slopes!(dy, b::Block, y, c::Float64, clamped::Bool, varying::Bool)
    model, signal = b.model, clamped ? b.model.v : b.u
    if varying
        for w in 1:WIDTH
            signal[w] = isnan(b.level[w]) ?
                stimulus(b.cursors[w], muladd(c, b.step[w], b.t[w])) : b.level[w]
        end
    elseif clamped
        copyto!(signal, b.level)
    end
    if !clamped
        v = model.v
        @inbounds @simd ivdep for w in 1:WIDTH
            v[w] = y[offset(1) + w]
        end
    end
    block_rhs!(dy, y, b.u, model, clamped)
    return nothing
end

"How long the next steps are: to the end of a piece where that is near, else `h`."
@inline function next_steps!(b::Block)
    step, h, t, piece_end, reaches = b.step, b.h, b.t, b.piece_end, b.reaches
    @inbounds @simd ivdep for w in 1:WIDTH
        left = piece_end[w] - t[w]
        near = h[w] >= left * (1 - 1e-6)
        reaches[w] = ifelse(near, 1.0, 0.0)
        step[w] = ifelse(near, left, h[w])
    end
    return nothing
end

"A step of every element from `b.y` to `b.at`, and its error in units of the tolerance."
function block_step!(b::Block, rtol::Float64, clamped::Bool, varying::Bool)
    y, at, k, step, n = b.y, b.at, b.k, b.step, n_states(b.model.system)
    next_steps!(b)
    Base.Cartesian.@nexprs 6 i -> begin
        block_combine!(at, y, step, k, TSIT5_ROWS[i], n)
        block_slopes!(k[i + 1], b, at, TSIT5.c[i + 1], clamped, varying)
    end
    block_error!(b, rtol, n)
    return nothing
end

@inline function block_error!(b::Block, rtol::Float64, n::Int)
    y, at, step, error = b.y, b.at, b.step, b.error
    Base.Cartesian.@nexprs 7 i -> (k_i = b.k[i])
    @inbounds @simd ivdep for w in 1:WIDTH
        error[w] = 0.0
    end
    @inbounds for j in 1:n
        o, atol = offset(j), b.atol[j]
        @simd ivdep for w in 1:WIDTH
            e = TSIT5_ERROR[1] * k_1[o + w]
            Base.Cartesian.@nexprs 6 i -> (e = muladd(TSIT5_ERROR[i + 1], k_{i + 1}[o + w], e))
            from, to = abs(y[o + w]), abs(at[o + w])
            size = muladd(rtol, ifelse(from > to, from, to), atol)
            error[w] += abs2(step[w] * e / size)
        end
    end
    @inbounds @simd ivdep for w in 1:WIDTH
        error[w] = sqrt(error[w] / n)
    end
    return nothing
end

"Which steps are accepted, where they end, and how long the next ones may be."
function control!(b::Block, longest::Float64)
    error, before, h, t, t_next, step = b.error, b.before, b.h, b.t, b.t_next, b.step
    reaches, accepts, accepted, rejected = b.reaches, b.accepts, b.accepted, b.rejected
    piece_end, least = b.piece_end, log(LEAST_ERROR)
    @inbounds @simd ivdep for w in 1:WIDTH
        e = error[w]
        ok, near = e <= 1.0, reaches[w] > 0.0
        logarithm = branchless_log(ifelse(e > 1e-30, ifelse(e < 1e300, e, 1e300), 1e-30))
        power = branchless_exp(INTEGRAL * ifelse(ok, before[w], 0.0) - PROPORTIONAL * logarithm)
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
function block_advance!(b::Block)
    y, at, t, t_next, accepts, first, last = b.y, b.at, b.t, b.t_next, b.accepts, b.k[1], b.k[7]
    @inbounds for j in 1:n_states(b.model.system)
        @simd ivdep for w in 1:WIDTH
            ok = accepts[w] > 0.0
            y[offset(j) + w] = ifelse(ok, at[offset(j) + w], y[offset(j) + w])
            first[offset(j) + w] = ifelse(ok, last[offset(j) + w], first[offset(j) + w])
        end
    end
    @inbounds @simd ivdep for w in 1:WIDTH
        t[w] = t_next[w]
    end
    return nothing
end

"The coefficients of θ, θ², θ³ and θ⁴ inside the steps, of the first `n` states."
function block_dense!(b::Block, n::Int)
    Base.Cartesian.@nexprs 7 i -> (k_i = b.k[i])
    step = b.step
    for power in 1:4
        to, p = b.dense[power], TSIT5_POWERS[power]
        @inbounds for j in 1:n
            o = offset(j)
            @simd ivdep for w in 1:WIDTH
                total = p[1] * k_1[o + w]
                Base.Cartesian.@nexprs 6 i -> (total = muladd(p[i + 1], k_{i + 1}[o + w], total))
                to[o + w] = step[w] * total
            end
        end
    end
    return nothing
end

"Whether v rises anywhere in the steps, and whether it crosses 0 mV, as in voltage_steps.jl."
function block_rises!(b::Block)
    c1, c2, c3, c4 = b.dense
    y, rising, crossing = b.y, b.rises, b.crosses
    @inbounds @simd ivdep for w in 1:WIDTH
        c = (y[w], c1[w], c2[w], c3[w], c4[w])
        before, up, across = y[w], false, false
        Base.Cartesian.@nexprs 8 i -> begin
            after = quartic(c, i / 8)
            up |= before < after
            across |= (before < 1e-9) & (after >= -1e-9)
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
function block_stiffness!(b::Block)
    Base.Cartesian.@nexprs 7 i -> (k_i = b.k[i])
    step, stiff, accepts, change, moved = b.step, b.stiff, b.accepts, b.rises, b.crosses
    @inbounds @simd ivdep for w in 1:WIDTH
        change[w] = moved[w] = 0.0
    end
    @inbounds for j in 1:n_states(b.model.system)
        o = offset(j)
        @simd ivdep for w in 1:WIDTH
            total = TSIT5_LAST_ROWS[1] * k_1[o + w]
            Base.Cartesian.@nexprs 5 i -> (
                total = muladd(TSIT5_LAST_ROWS[i + 1], k_{i + 1}[o + w], total))
            change[w] += abs2(k_7[o + w] - k_6[o + w])
            moved[w] += abs2(total)
        end
    end
    @inbounds @simd ivdep for w in 1:WIDTH
        # h·λ > 0.9·size, with both sides squared; `moved` is without the factor h.
        bounded = change[w] > abs2(0.9 * TSIT5_STABLE) * moved[w]
        stiff[w] += ifelse(accepts[w] > 0, ifelse(bounded, 1.0, 0.0), 0.0)
    end
    return nothing
end
