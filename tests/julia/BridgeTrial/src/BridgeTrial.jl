# Small functions that the tests of the bridge call; nothing here belongs to pyhodgkin.
module BridgeTrial

struct InputError <: Exception
    message::String
end
Base.showerror(io::IO, e::InputError) = print(io, e.message)

echo(x) = x
describe(x) = string(typeof(x), " ", x isa AbstractArray ? size(x) : x)
total(x) = sum(x)
put!(x, i, value) = (x[i] = value; nothing)
at(x, i) = x[i]
ten(a, b, c, d, e, f, g, h, i, j) = a[1] + j[1]
nothing_at_all() = nothing
struct Holder
    values::Vector{Float64}
end
hold(x) = Holder(copy(x))
let_go(::Int, a::Holder, ::String, b::Holder) = sum(a.values) + sum(b.values)
make(sizes::Int...) = collect(reshape(1.0:prod(sizes), sizes...))
zeros_of(n) = zeros(n)
collect_garbage() = GC.gc()
live_bytes() = (GC.gc(); GC.gc(); Base.gc_live_bytes())
threads() = Threads.nthreads()

const KEPT = Any[]
keep(n) = (push!(KEPT, collect(1.0:n)); KEPT[end])
kept() = KEPT[end]
forget() = empty!(KEPT)

"Compute until the flag is set or the time is over; 4 when it was set."
function poll(flag, seconds)
    stop, x = time() + seconds, 0.0
    while time() < stop
        flag[1] == 0 || return 4
        for i in 1:1000
            x += sin(x + i)
        end
    end
    return x > 1e9 ? 1 : 0
end

"The same on every thread, allocating, so that the garbage collector stops the threads."
function poll_on_threads(flag, seconds)
    found = zeros(Int, Threads.nthreads())
    Threads.@threads :static for i in 1:Threads.nthreads()
        found[i] = poll_allocating(flag, seconds)
    end
    return maximum(found)
end

function poll_allocating(flag, seconds)
    stop, kept = time() + seconds, Vector{Float64}[]
    while time() < stop
        flag[1] == 0 || return 4
        push!(kept, rand(1000))
        length(kept) > 1000 && empty!(kept)
    end
    return 0
end

"Compute, and look at nothing."
deaf(seconds) = poll_allocating([0x00], seconds)

fail(kind, text) =
    kind == "input" ? throw(InputError(text)) :
    kind == "error" ? error(text) :
    kind == "bounds" ? [1][2] :
    kind == "method" ? sin(text) :
    kind == "task" ? fetch(Threads.@spawn throw(InputError(text))) :
    kind == "threads" ? fail_on_threads(text) :
    kind == "interrupt" ? throw(InterruptException()) : throw(OutOfMemoryError())

function fail_on_threads(text)
    Threads.@threads for i in 1:2
        throw(InputError(text))
    end
end

end
