# What a solve leaves behind for its adjoint: the accepted steps, and of the explicit ones what
# their stages computed, so that the way back need not evaluate them again.

"Numbers that a tape keeps of stages at most; steps after that are evaluated again. 64 MB."
const MOST_KEPT = 8 * 1024^2

"""
The accepted steps of a solve: their starts, ends, stimulus pieces, methods and states at the
start, and where the values of their stages begin in `values`, -1 where they were not kept.
"""
struct Tape
    t::Vector{Float64}
    t_next::Vector{Float64}
    piece::Vector{Int}
    kind::Vector{UInt8}
    y::Vector{Float64}
    first::Vector{Int}
    values::Vector{Float64}
end

Tape() = Tape(Float64[], Float64[], Int[], UInt8[], Float64[], Int[], Float64[])
Base.length(tape::Tape) = length(tape.t)

"Forget the steps, but not the memory."
function Base.empty!(tape::Tape)
    foreach(empty!, (tape.t, tape.t_next, tape.piece, tape.kind, tape.y, tape.first))
    return tape
end

function push_step!(tape::Tape, t0, t1, piece, kind, y, n::Int, first::Int=-1)
    push!(tape.t, t0)
    push!(tape.t_next, t1)
    push!(tape.piece, piece)
    push!(tape.kind, kind)
    for j in 1:n
        push!(tape.y, y[j])
    end
    push!(tape.first, first)
    return nothing
end

"Room for the stages of one more step from `first` on; whether it could be had."
function room!(tape::Tape, first::Int, stages::Int, model::Model)
    needed = first + stages * record_length(model)
    needed <= length(tape.values) && return true
    needed <= MOST_KEPT || return false
    resize!(tape.values, min(MOST_KEPT, max(2 * needed, 1 << 14)))
    return true
end

"Vectors that are kept as a whole, in blocks, and those of which a number for each gate is."
function blocks(model::Model)
    c, needs_x = model.plain, any(net -> net.activation != TANH, model.system.networks)
    return (c.e, c.value, model.y, needs_x ? model.x : NOTHING_KEPT)
end

const NOTHING_KEPT = Float64[]
of_gates(model::Model) = (model.plain.a, model.plain.s, model.plain.gate)

"Numbers in the record of one stage."
record_length(model::Model) = padded(
    1 + n_states(model.system) + 3 * length(model.system.gates)) + sum(length, blocks(model))

"""
    keep!(to, place, state, model)

What `rhs!` has computed at `state`, into `to` after `place`; `restore!` brings it back.
"""
function keep!(to::Vector{Float64}, place::Int, state, model::Model{Float64})
    for values in blocks(model)
        copy_blocks!(to, place, values, 0, length(values))
        place += length(values)
    end
    # One by one, as they have just been written: reading them as a whole would have to wait.
    @inbounds begin
        to[place += 1] = model.plain.total
        for j in 1:n_states(model.system)
            to[place += 1] = state[j]
        end
        for values in of_gates(model), g in eachindex(model.system.gates)
            to[place += 1] = values[g]
        end
    end
    return nothing
end

"What `keep!` kept, back into `state` and `model`."
function restore!(state, model::Model{Float64}, from::Vector{Float64}, place::Int)
    for values in blocks(model)
        copy_blocks!(values, 0, from, place, length(values))
        place += length(values)
    end
    @inbounds begin
        model.plain.total = from[place += 1]
        for j in eachindex(state)
            state[j] = from[place += 1]
        end
        for values in of_gates(model), g in eachindex(model.system.gates)
            values[g] = from[place += 1]
        end
        x, v0, inverse_k = model.plain.x, model.v0, model.inverse_k
        @simd ivdep for i in eachindex(x)
            x[i] = (state[1] - v0[i]) * inverse_k[i]
        end
    end
    return nothing
end

"Copy `n` numbers, a multiple of BLOCK: for so few, calling for it would take longer."
@inline function copy_blocks!(to, i::Int, from, j::Int, n::Int)
    for first in 0:BLOCK:(n - 1)
        @inbounds @simd ivdep for k in 1:BLOCK
            to[i + first + k] = from[j + first + k]
        end
    end
    return nothing
end
