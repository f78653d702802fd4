# The Julia side of the bridge, included into a module of its own. `connection.py` calls `invoke` by
# its address; what goes over are numbers in memory, as `abi.py` describes them. No Python object is
# ever touched here, so Python's lock is free meanwhile, and nothing has to be compiled for them.
# `plain.py` calls `guarded` by juliacall.

Base.Experimental.@optlevel 1

"Types of the elements of arrays, in the order of `abi.py`; an array has kind 16 i + its axes."
const ELEMENTS = (Float64, Int64, UInt8, Bool, Float32, Int32)

"What Python holds on to, by number; `nothing` where a number is free."
const HELD = Any[]
const FREE = Int[]
const LOCK = Base.Threads.SpinLock()

# Compiled in every process: once for all types, and without closures.
function hold(@nospecialize(x))
    lock(LOCK)
    i = isempty(FREE) ? length(push!(HELD, nothing)) : pop!(FREE)
    HELD[i] = x
    unlock(LOCK)
    return i
end

function release(i::Int)
    lock(LOCK)
    HELD[i] = nothing
    push!(FREE, i)
    unlock(LOCK)
    return nothing
end

function held(i::Int)
    lock(LOCK)
    x = HELD[i]
    unlock(LOCK)
    return x
end

"""
    invoke(f, address, n, trace)

Call what is held as `f` with the `n` arguments at `address`, and write there what it returned.
Arrays are wrapped where they lie; the caller keeps them alive. Returns 0, or 1 when there was an
exception: then a text is written, with the stack when `trace` is not 0.
"""
function invoke(f::Int, address::Ptr{Int64}, n::Int, trace::Int)
    try
        write_result(address, Base.invokelatest(held(f), arguments(address, n)...))
        return 0
    catch e
        write_result(address, Base.invokelatest(explain, e, trace, catch_backtrace()))
        return 1
    end
end

function arguments(words::Ptr{Int64}, n::Int)
    next, found = 1, Vector{Any}(undef, n)
    for i in 1:n
        kind, word = unsafe_load(words, next), unsafe_load(words, next + 1)
        next += 2
        if kind >= 16
            element, axes = divrem(kind, 16)
            found[i] = array(word, words + 8 * (next - 1), element, axes)
            next += axes
        elseif kind == 3
            found[i] = unsafe_string(Ptr{UInt8}(word), unsafe_load(words, next))
            next += 1
        elseif kind == 5
            found[i] = held(word)
        else
            found[i] = kind == 0 ? word : kind == 1 ? reinterpret(Float64, word) :
                kind == 2 ? word != 0 : nothing
        end
    end
    return found
end

function array(address, sizes, element, axes)
    element == 1 && return array(Float64, address, sizes, axes)
    element == 2 && return array(Int64, address, sizes, axes)
    element == 3 && return array(UInt8, address, sizes, axes)
    element == 4 && return array(Bool, address, sizes, axes)
    element == 5 && return array(Float32, address, sizes, axes)
    return array(Int32, address, sizes, axes)
end

function array(::Type{T}, address, sizes, axes) where {T}
    size(i) = Int(unsafe_load(sizes, i))
    p = Ptr{T}(address)
    axes == 1 && return unsafe_wrap(Array, p, size(1))
    axes == 2 && return unsafe_wrap(Array, p, (size(1), size(2)))
    axes == 3 && return unsafe_wrap(Array, p, (size(1), size(2), size(3)))
    axes == 0 && return unsafe_wrap(Array, p, ())
    return unsafe_wrap(Array, p, ntuple(size, axes))
end

"Kind, then what belongs to it; what needs memory of Julia's comes with the number it is held by."
write_result(words, ::Nothing) = write_words(words, 4, 0)
write_result(words, x::Bool) = write_words(words, 2, x)
write_result(words, x::Integer) = write_words(words, 0, x)
write_result(words, x::AbstractFloat) =
    write_words(words, 1, reinterpret(Int64, convert(Float64, x)))
write_result(words, x::String) = write_words(words, 3, hold(x), address_of(x), sizeof(x))
write_result(words, @nospecialize(x)) = write_words(words, 5, hold(x))

function write_result(words, x::Array{T,N}) where {T,N}
    element = findfirst(==(T), ELEMENTS)
    (element === nothing || N > 15) && return write_words(words, 5, hold(x))
    return write_words(words, 16 * element + N, hold(x), address_of(x), size(x)...)
end

address_of(x) = reinterpret(Int64, UInt64(UInt(pointer(x))))

function write_words(words, kind, values...)
    unsafe_store!(words, kind, 1)
    for i in eachindex(values)
        unsafe_store!(words, Int64(values[i]), i + 1)
    end
end

"The exception inside those that tasks, threads and files wrap around it."
root(e) = e
root(e::TaskFailedException) = root(e.task.result)
root(e::CompositeException) = isempty(e.exceptions) ? e : root(first(e.exceptions))
root(e::CapturedException) = root(e.ex)
root(e::LoadError) = root(e.error)
root(e::InitError) = root(e.error)

"Name of the type of an exception, what it says, and its stack, each ended by a zero."
function explain(e, trace, stack)
    inner = root(e)
    said = sprint(showerror, inner)
    whole = trace == 0 ? "" : sprint(showerror, e, stack)
    return string(nameof(typeof(inner)), '\0', said, '\0', whole)
end

"A package that does not load, and what the process that compiles it said meanwhile."
struct LoadFailure <: Exception
    cause::Any
    printed::String
end

"The first line of an error; the stack below it stays out of sight unless it is asked for."
function Base.showerror(io::IO, e::LoadFailure)
    at = findfirst("ERROR: ", e.printed)
    return print(io, at === nothing ? sprint(showerror, e.cause) : e.printed[(last(at) + 1):end])
end

function load(name::String)
    file = tempname()
    found = open(file, "w") do io
        redirect_stderr(io) do
            try
                Base.require(@__MODULE__, Symbol(name))
            catch e
                e
            end
        end
    end
    printed = read(file, String)
    rm(file)
    found isa Exception && throw(LoadFailure(found, printed))
    print(stderr, printed)
    return found
end

has(package::Module, name::String) = isdefined(package, Symbol(name))
find(package::Module, name::String) = getfield(package, Symbol(name))
version(package::Module) = string(Base.pkgversion(package))
julia() = string(VERSION)
threads() = Base.Threads.nthreads()

"""
Address of the C function after which Julia's garbage collector does not wait for this thread, or 0
where this Julia has none. Every entry from C undoes it for its own length.
"""
function safe_enter()
    try
        return Int(cglobal(:jl_gc_safe_enter))
    catch
        return 0
    end
end

"For a trial of the connection: reads and writes every kind of argument."
trial(a, i, x, flag, text, none) =
    (a[2, 1] += i; string(a[2, 1] + x, ' ', flag, ' ', text, ' ', none))

# Held as 1, 2, …, in the order of `BUILT_IN` in `connection.py`.
for f in Any[release, load, has, find, version, julia, threads, safe_enter, trial]
    hold(f)
end

# By juliacall: what it has no numbers or text for goes over in an `Opaque`, untouched.
struct Opaque
    value::Any
end

opened(x) = x
opened(x::Opaque) = x.value
closed(x::Union{Nothing,Bool,Integer,AbstractFloat,String}) = x
closed(x) = Opaque(x)
closed(x::Array) = eltype(x) in ELEMENTS ? x : Opaque(x)

"The array of numbers that Python has at `address`; `element` is a place in `ELEMENTS`."
wrapped(element, address, size...) =
    Opaque(unsafe_wrap(Array, Ptr{ELEMENTS[element]}(UInt(address)), Int.(size)))

"Whether `f` raised an exception, and what it returned, or the text of the exception."
function guarded(f, trace, arguments...)
    try
        return false, closed(Base.invokelatest(opened(f), map(opened, arguments)...))
    catch e
        return true, Base.invokelatest(explain, e, trace, catch_backtrace())
    end
end

const INVOKE = @cfunction(invoke, Int64, (Int64, Ptr{Int64}, Int64, Int64))
Int64(UInt(INVOKE))
