"""
    InputError(msg)

Something given by the user does not fit; `msg` names it and says what would.
"""
struct InputError <: Exception
    msg::String
end

Base.showerror(io::IO, error::InputError) = print(io, error.msg)

"`name` among `choices`, or an `InputError` that lists them."
function choose(what::AbstractString, name, choices)
    name in choices && return name
    list = join(sort!(collect(String, choices)), ", ")
    throw(InputError("unknown $what \"$name\"; there are: $list"))
end

@enum Status::Int64 SUCCESS = 0 MAX_STEPS = 1 STEP_UNDERFLOW = 2 NONFINITE = 3 INTERRUPTED = 4
