# Threads, each with memory of its own, which waits for the next call afterwards: a call would leave
# a megabyte behind otherwise, and collecting garbage takes longer than many calls.

"Workers that have done their work."
struct Pool
    idle::Vector{Any}
    lock::Base.Threads.SpinLock
end

Pool() = Pool([], Base.Threads.SpinLock())

"What is done with a worker that has to wait."
rest!(worker) = worker

"""
    each_element(body, make, pool, n, stop)

`body(worker, i)` for i in 1:n over the threads, each with a worker from the `pool` or one that
`make()` makes. No more are begun once `stop[1]` is set.
"""
function each_element(body, make, pool::Pool, n::Int, stop)
    next, count = Threads.Atomic{Int}(1), min(Threads.nthreads(), n)
    count <= 1 && return take_elements!(body, make, pool, next, n)
    tasks = [Threads.@spawn take_elements!(body, make, pool, next, n) for _ in 1:count]
    failed = nothing
    for task in tasks  # all of them: what they write into may be gone after this returns
        try
            wait(task)
        catch err
            stop[1] = 0x01
            failed === nothing && (failed = err)
        end
    end
    failed === nothing && return nothing
    throw(failed isa TaskFailedException ? failed.task.exception : failed)
end

# A function of its own: a variable of each_element would be one for all tasks.
function take_elements!(body, make, pool::Pool, next::Threads.Atomic{Int}, n::Int)
    return elements!(body, taken(make, pool), pool, next, n)
end

function taken(make, pool::Pool)
    found = @lock pool.lock isempty(pool.idle) ? nothing : pop!(pool.idle)
    return found === nothing ? make() : found
end

function elements!(body, worker, pool::Pool, next::Threads.Atomic{Int}, n::Int)
    while true
        i = Threads.atomic_add!(next, 1)
        i > n && break
        body(worker, i)
    end
    # One that an exception has stopped is not used again.
    @lock pool.lock push!(pool.idle, rest!(worker))
    return nothing
end
