# Neurons with a calcium pool or Markov schemes: their equations are a program, single operations on
# numbers, each on others before it. The rules of the operations give the values, and backwards what
# flows back; with numbers that carry a tangent, the same rules give the Jacobian and its way back.

@enum Op::UInt8 OP_NUMBER OP_PARAMETER OP_STATE OP_STIMULUS OP_ADD OP_SUBTRACT OP_MULTIPLY OP_DIVIDE OP_EXP OP_LOG OP_TANH OP_LOGISTIC OP_LINOID OP_POWER OP_CHOICE OP_TABLE OP_NETWORK

"""
An operation on others, named by their places; `number` is a fixed number. Of a network `a` is the
network, `b` the output, and its inputs are the `d` terms of the program after the first `c`.
"""
struct Operation
    kind::Op
    a::Int
    b::Int
    c::Int
    d::Int
    number::Float64
end

"""
The equations of a neuron: `slopes` are the places of dy/dt, `start` those of where the search for
the steady state begins, `currents` those of the currents and of their sum; states that are `held`
have no steady state. Of each there is the list of all operations that it needs, in order.
"""
struct Program
    operations::Vector{Operation}
    terms::Vector{Int}
    slopes::Vector{Int}
    start::Vector{Int}
    currents::Vector{Int}
    held::Vector{Bool}
    for_slopes::Vector{Int}
    for_start::Vector{Int}
    for_current::Vector{Int}
end

Base.length(program::Program) = length(program.operations)

"The places of the operations that one takes."
function operands(program::Program, op::Operation)
    kind = op.kind
    kind <= OP_STIMULUS && return Int[]
    kind <= OP_DIVIDE && return [op.a, op.b]
    kind == OP_CHOICE && return [op.a, op.b, op.c, op.d]
    kind == OP_NETWORK && return program.terms[(op.c + 1):(op.c + op.d)]
    return [op.a]
end

"What the operations `outputs` are computed from, in order; of a network all outputs."
function needed(program::Program, outputs)
    wanted = falses(length(program))
    wanted[outputs] .= true
    for i in length(program):-1:1
        op = program.operations[i]
        if op.kind == OP_NETWORK && !wanted[i]
            wanted[i] = any(j -> wanted[j] && program.operations[j].kind == OP_NETWORK &&
                program.operations[j].a == op.a, i:length(program))
        end
        wanted[i] || continue
        wanted[operands(program, op)] .= true
        op.kind == OP_NETWORK && (wanted[(i - op.b + 1):i] .= true)
    end
    return findall(wanted)
end

function Program(operations, terms, slopes, start, currents, held)
    none = Int[]
    bare = Program(operations, terms, slopes, start, currents, held, none, none, none)
    isempty(operations) && return bare
    return Program(operations, terms, slopes, start, currents, held, needed(bare, slopes),
        needed(bare, start), needed(bare, [last(currents)]))
end

Program() = Program(Operation[], Int[], Int[], Int[], Int[], Bool[])

"The values of operations, and what flows back to them, for numbers of type `S`."
struct ProgramWork{S}
    value::Vector{S}
    bar::Vector{S}
end

ProgramWork{S}(n::Int) where {S} = ProgramWork{S}(zeros(S, n), zeros(S, n))

"x to a power that need not be whole; NaN where that is no real number."
@inline function real_power(x, exponent::Float64)
    isinteger(exponent) && return x^Int(exponent)
    return x > 0 ? x^exponent : x == 0 && exponent > 0 ? zero(x) : oftype(x, NaN)
end
