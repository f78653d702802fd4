# The discrete adjoint of a block: for all of its elements at once the exact derivative of the steps
# of Tsit5 that each of them took, as adjoint.jl has it for one.

"Memory for one step of a block and its way back."
struct BlockAdjoint{T}
    # Of the stages: their states, what flows back to these, and what the equations computed.
    at::NTuple{7,Matrix{T}}
    at_bar::NTuple{7,Matrix{T}}
    models::NTuple{7,BlockModel{T}}
    bars::BlockBars{T}
    # What flows back to the slope of a stage.
    r::Matrix{T}
    start_bar::Matrix{T}
    end_bar::Matrix{T}
    dense_bar::NTuple{4,Matrix{T}}
    gradient::Matrix{T}
    # Of each element: the last sample that has not been used, the times and what flows back to the
    # states at them, and whether it has a gradient.
    sample::Vector{Int}
    times::Vector{Vector{Float64}}
    bars_of::Vector{Matrix{Float64}}
    samples_of::Vector{Matrix{Float64}}
    used::Vector{Bool}
end

function BlockAdjoint(b::Block{T}) where {T}
    system = b.model.system
    arena = b.model.arena
    state() = columns_of_block(arena, T, n_states(system))
    models = ntuple(_ -> BlockModel{T}(system, arena, b.model.parameters), 7)
    return BlockAdjoint{T}(ntuple(_ -> state(), 7), ntuple(_ -> state(), 7), models,
        BlockBars(b.model), state(), state(), state(), ntuple(_ -> state(), 4),
        columns_of_block(arena, T, system.n_parameters), zeros(Int, width(T)), fill(Float64[], width(T)),
        fill(zeros(0, 0), width(T)), fill(zeros(0, 0), width(T)), fill(false, width(T)))
end

"""
    block_adjoint!(a, b, tape, elements)

Back along the steps of `tape`; as it comes to the start of an element, what has flowed back to it
and to its parameters goes to `gradient_of!(elements, i, …)`.
"""
function block_adjoint!(
    a::BlockAdjoint{T}, b::Block{T}, tape::BlockTape{T}, elements::Elements
) where {T}
    clamped = elements.protocols.clamped
    fill!(b.element, 0)
    fill!(b.level, 0)
    for step in length(tape):-1:1
        elements.stop[1] == 0 || return nothing
        GC.safepoint()
        before = (step - 1) * width(T)
        load_elements!(a, b, tape, elements, before)
        inside = load_step!(a, b, tape, before)
        block_back_step!(a, b, clamped, any(isnan, b.level), inside)
    end
    for w in 1:width(T)
        b.element[w] > 0 && finish_adjoint!(a, b, w, elements)
    end
    return nothing
end

"The elements in the block at a step of the tape; those that come to their start on the way."
function load_elements!(a::BlockAdjoint{T}, b::Block{T}, tape, elements, before::Int) where {T}
    @inbounds for w in 1:width(T)
        i = tape.element[before + w]
        i == b.element[w] && continue
        b.element[w] > 0 && finish_adjoint!(a, b, w, elements)
        b.element[w] = i
        for x in (a.end_bar, a.gradient), j in axes(x, 2)
            x[w, j] = 0
        end
        a.used[w] = i > 0 && has_gradient(elements, i)
        i == 0 && continue
        a.times[w], a.bars_of[w], a.samples_of[w] =
            times_of(elements, i), bars_of(elements, i), samples_of(elements, i)
        bind!(b.model, w, theta_of(elements, i))
        b.cursors[w] = StimulusCursor(elements.protocols, place_of(elements, i))
        b.level[w], a.sample[w] = level(b.cursors[w]), length(a.times[w])
    end
    return nothing
end

"The step itself, and what flows back from the samples in it; whether there is any."
function load_step!(a::BlockAdjoint{T}, b::Block{T}, tape, before::Int) where {T}
    y, n, inside = a.at[1], n_states(b.model.system), false
    fill!(a.start_bar, 0)
    foreach(x -> fill!(x, 0), a.dense_bar)
    @inbounds for j in 1:n
        o, from = offset(T, j), n * before + offset(T, j)
        @vectorized for w in 1:width(T)
            y[o + w] = tape.y[from + w]
        end
    end
    @inbounds for w in 1:width(T)
        t, h = tape.t[before + w], a.used[w] ? tape.step[before + w] : 0.0
        b.t[w], b.step[w], b.dt[w] = t, h, h
        h > 0 || continue
        cursor, piece = b.cursors[w], tape.piece[before + w]
        if cursor.piece != piece
            cursor.piece = piece
            b.level[w] = level(cursor)
        end
        times = a.times[w]
        while a.sample[w] >= 1 && times[a.sample[w]] > t
            inside |= from_sample!(a, b, w, (times[a.sample[w]] - t) / h)
            a.sample[w] -= 1
        end
    end
    return inside
end

"Weights of a sample at θ of a step, to its start and its polynomial; none where it was cut."
@inline function from_sample!(a::BlockAdjoint{T}, b::Block{T}, w::Int, θ) where {T}
    bars, samples, any_weight = a.bars_of[w], a.samples_of[w], false
    bounded, s = b.model.system.bounded, a.sample[w]
    @inbounds for j in axes(bars, 1)
        bar = bars[j, s]
        iszero(bar) && continue
        bounded[j] && !(0 < samples[j, s] < 1) && continue
        any_weight = true
        a.start_bar[w, j] += bar
        power = θ
        for p in 1:4
            a.dense_bar[p][w, j] += power * bar
            power *= θ
        end
    end
    return any_weight
end

"Element `w` has come back to its start."
function finish_adjoint!(a::BlockAdjoint, b::Block, w::Int, elements::Elements)
    i = b.element[w]
    a.used[w] || return nothing
    bars = a.bars_of[w]
    for s in a.sample[w]:-1:1, j in axes(bars, 1)
        a.end_bar[w, j] += bars[j, s]
    end
    gradient_of!(elements, i, (@view a.gradient[w, :]), (@view a.end_bar[w, :]), b, w)
    return nothing
end

"The weights of stage `i` inside the step, for powers 1 to 4 of θ."
const TSIT5_INSIDE = ntuple(i -> ntuple(p -> TSIT5.dense[p, i], 4), 7)

"From the weights on the end of a step to those on its start, and to the parameters."
function block_back_step!(
    a::BlockAdjoint{T}, b::Block{T}, clamped::Bool, varying::Bool, inside::Bool
) where {T}
    n, k = n_states(b.model.system), b.k
    # The last stage is the new state: only samples inside the step depend on its slope.
    last_stage = inside ? 7 : 6
    clamped || varying || copyto!(b.u, b.level)
    Base.Cartesian.@nexprs 7 i -> begin
        if i <= last_stage
            i > 1 && block_combine!(a.at[i], a.at[1], b.dt, k, TSIT5_ROWS[max(i - 1, 1)], n)
            block_slopes!(k[i], b, a.at[i], TSIT5.c[i], clamped, varying, a.models[i])
        end
    end
    Base.Cartesian.@nexprs 7 q -> back_stage!(a, b, Val(8 - q), n, last_stage, inside, clamped)
    for i in 1:last_stage
        add_block!(a.start_bar, a.at_bar[i], n)
    end
    add_block!(a.start_bar, a.end_bar, n)
    clamped && zero_column!(a.start_bar, 1)
    copyto!(a.end_bar, a.start_bar)
    return nothing
end

"Back through stage `I`, from what flows back to the end and the stages after it, to its state."
@inline function back_stage!(
    a::BlockAdjoint{T}, b::Block{T}, ::Val{I}, n::Int, last_stage::Int, inside::Bool, clamped::Bool
) where {T,I}
    I > last_stage && return nothing
    r, at_bar, dt, ends, at_end = a.r, a.at_bar[I], b.dt, a.end_bar, T(TSIT5.b[I])
    Base.Cartesian.@nexprs 7 i -> (bar_i = a.at_bar[i])
    Base.Cartesian.@nexprs 7 i -> (weight_i = T(TSIT5.a[i, I]))
    @inbounds for j in 1:n
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            total = at_end * ends[o + w]
            Base.Cartesian.@nexprs 7 i -> (
                I < i < 7 && (total = muladd(weight_i, bar_i[o + w], total)))
            r[o + w] = dt[w] * total
        end
    end
    inside && block_from_inside!(a, b, Val(I), n)
    clamped && zero_column!(r, 1)
    fill!(at_bar, zero(T))
    block_pullback!(at_bar, a.gradient, a.at[I], r, a.models[I], a.bars, clamped)
    return nothing
end

"What flows back to the slope of stage `I` from the samples inside the step, and from stage 7."
@inline function block_from_inside!(
    a::BlockAdjoint{T}, b::Block{T}, ::Val{I}, n::Int
) where {T,I}
    r, dt, last = a.r, b.dt, a.at_bar[7]
    d1, d2, d3, d4 = a.dense_bar
    p1, p2, p3, p4 = map(T, TSIT5_INSIDE[I])
    weight = I < 7 ? T(TSIT5.a[7, I]) : zero(T)
    @inbounds for j in 1:n
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            total = p1 * d1[o + w] + p2 * d2[o + w] + p3 * d3[o + w] + p4 * d4[o + w]
            I < 7 && (total = muladd(weight, last[o + w], total))
            r[o + w] = muladd(dt[w], total, r[o + w])
        end
    end
    return nothing
end

"to += x"
@inline function add_block!(to::Matrix{T}, x::Matrix{T}, n::Int) where {T}
    for j in 1:n
        o = offset(T, j)
        @vectorized for w in 1:width(T)
            to[o + w] += x[o + w]
        end
    end
    return nothing
end
