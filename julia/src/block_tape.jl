# What the steps of a block leave behind for its adjoint: their starts, for all elements of the
# block at once.

"""
The steps that a block tried, one after the other, with `width(T)` numbers of each: time, length (0
where the step was rejected or the place is empty), piece of the stimulus, element and state.
"""
mutable struct BlockTape{T}
    const t::Vector{Float64}
    const step::Vector{Float64}
    const piece::Vector{Int}
    const element::Vector{Int}
    const y::Vector{T}
    count::Int
end

BlockTape{T}() where {T} = BlockTape{T}(Float64[], Float64[], Int[], Int[], T[], 0)
Base.length(tape::BlockTape) = tape.count

"Forget the steps, but not the memory."
Base.empty!(tape::BlockTape) = (tape.count = 0; tape)

function push_step!(tape::BlockTape{T}, b::Block{T}) where {T}
    n, before = n_states(b.model.system), tape.count * width(T)
    tape.count += 1
    if before + width(T) > length(tape.t)
        room = max(256 * width(T), 2 * length(tape.t))
        foreach(x -> resize!(x, room), (tape.t, tape.step, tape.piece, tape.element))
        resize!(tape.y, n * room)
    end
    t, step, piece, element, y = tape.t, tape.step, tape.piece, tape.element, tape.y
    accepts, own, from = b.accepts, b.element, b.y
    @inbounds for w in 1:width(T)
        t[before + w], element[before + w] = b.t[w], own[w]
        step[before + w] = ifelse((accepts[w] > 0) & (own[w] > 0), b.step[w], 0.0)
        piece[before + w] = b.cursors[w].piece
    end
    @inbounds for j in 1:n
        to = n * before + offset(T, j)
        @vectorized for w in 1:width(T)
            y[to + w] = from[offset(T, j) + w]
        end
    end
    return nothing
end
