# Memory for the columns of a block, one after the other and aligned to cache lines: vectors that lie
# across two lines take twice as long, and small arrays of Julia's are aligned to 16 bytes only.

const CACHE_LINE, CHUNK = 64, 1 << 16

"Chunks of memory from which arrays are taken; they are used only as long as the arena is there."
mutable struct Arena
    const chunks::Vector{Vector{UInt8}}
    used::Int
end

Arena() = Arena(Vector{UInt8}[], CHUNK)

"An array of zeros, (n) or (m, n), in the memory of `arena`."
function take!(arena::Arena, ::Type{T}, dims::Int...) where {T}
    bytes = cld(prod(dims) * sizeof(T), CACHE_LINE) * CACHE_LINE
    if isempty(arena.chunks) || arena.used + bytes > length(last(arena.chunks)) - CACHE_LINE
        push!(arena.chunks, zeros(UInt8, max(CHUNK, bytes + 2 * CACHE_LINE)))
        arena.used = 0
    end
    chunk = last(arena.chunks)
    start = pointer(chunk)
    skipped = (CACHE_LINE - reinterpret(UInt, start) % CACHE_LINE) % CACHE_LINE
    array = unsafe_wrap(Array, Ptr{T}(start + skipped + arena.used), dims)
    arena.used += bytes
    return array
end
