# The right-hand side of a neuron that is a program, its Jacobian, and the way back of both.

"State `j`; with a tangent, that along the state `along`."
@inline state_value(::Type{T}, y, j::Int, ::Int) where {T<:Real} = @inbounds convert(T, y[j])
@inline state_value(::Type{Pair1{T}}, y, j::Int, along::Int) where {T} =
    @inbounds pair(convert(T, y[j]), j == along ? one(T) : zero(T))

work_of(model::Model{T}, ::Type{T}) where {T} = model.program
work_of(model::Model{T}, ::Type{Pair1{T}}) where {T} = model.program_pairs

"The values of the operations `which`, in order, into the memory for numbers of type `S`."
function run_program!(::Type{S}, model::Model{T}, which, y, u, along::Int=0) where {S,T}
    value, program = work_of(model, S).value, model.system.program
    @inbounds for i in which
        op = program.operations[i]
        kind = op.kind
        value[i] = if kind == OP_MULTIPLY
            value[op.a] * value[op.b]
        elseif kind == OP_ADD
            value[op.a] + value[op.b]
        elseif kind == OP_SUBTRACT
            value[op.a] - value[op.b]
        elseif kind == OP_DIVIDE
            value[op.a] / value[op.b]
        elseif kind == OP_NUMBER
            S(op.number)
        elseif kind == OP_PARAMETER
            S(model.theta[op.a])
        elseif kind == OP_STATE
            state_value(S, y, op.a, along)
        elseif kind == OP_STIMULUS
            S(convert(T, u))
        elseif kind == OP_NETWORK
            op.b == 0 && network_values!(S, model, program, op, value)
            network_value(S, model, op)
        elseif kind == OP_CHOICE
            value[op.a] < value[op.b] ? value[op.c] : value[op.d]
        else
            function_of(op, model.system, value[op.a])
        end
    end
    return value
end

@inline function function_of(op::Operation, system::System, u)
    kind = op.kind
    kind == OP_EXP && return held_exp(u)
    kind == OP_LOG && return safe_log(u)
    kind == OP_TANH && return tanh(u)
    kind == OP_LOGISTIC && return logistic(u)
    kind == OP_LINOID && return linoid(u, exp(-abs(u)))[1]
    kind == OP_POWER && return real_power(u, op.number)
    return cubic(system.tables, op.b, u)
end

"The derivative of a function at `u`, where its value is `x`."
@inline function slope_at(op::Operation, system::System, u, x)
    kind = op.kind
    kind == OP_EXP && return u < LARGEST_EXPONENT ? x : zero(x)
    kind == OP_LOG && return inv(u)
    kind == OP_TANH && return 1 - x * x
    kind == OP_LOGISTIC && return x * (1 - x)
    kind == OP_LINOID && return linoid(u, exp(-abs(u)))[2]
    kind == OP_POWER && return op.number * real_power(u, op.number - 1)
    return cubic_slope(system.tables, op.b, u)
end

function network_values!(::Type{T}, model::Model{T}, program, op::Operation, value) where {T}
    net = model.system.networks[op.a]
    for j in 1:op.d
        model.y[input(net, j)] = value[program.terms[op.c + j]]
    end
    return forward!(model, net)
end

function network_values!(::Type{Pair1{T}}, model::Model{T}, program, op, value) where {T}
    net = model.system.networks[op.a]
    for j in 1:op.d
        x = value[program.terms[op.c + j]]
        model.y[input(net, j)], model.dy[input(net, j)] = value_of(x), slope_of(x)
    end
    return forward_tangent!(model, net)
end

function network_value(::Type{T}, model::Model{T}, op::Operation) where {T}
    return model.y[output(model.system.networks[op.a], op.b + 1)]
end

function network_value(::Type{Pair1{T}}, model::Model{T}, op::Operation) where {T}
    i = output(model.system.networks[op.a], op.b + 1)
    return pair(model.y[i], model.dy[i])
end

"What flows back to output `b` of a network; after the first output, on to its inputs."
function network_back!(bar::Vector{T}, gradient, model::Model{T}, program, op, own::T) where {T}
    net = model.system.networks[op.a]
    model.y_bar[output(net, op.b + 1)] = own
    op.b == 0 || return nothing
    network_pullback!(gradient, model, net)
    for j in 1:op.d
        bar[program.terms[op.c + j]] += model.y_bar[input(net, j)]
    end
    return nothing
end

function network_back!(
    bar::Vector{Pair1{T}}, gradient, model::Model{T}, program, op, own::Pair1{T}
) where {T}
    net = model.system.networks[op.a]
    # Of what flows back to a pair, its value belongs to the tangent and its slope to the value.
    model.y_bar[output(net, op.b + 1)] = slope_of(own)
    model.dy_bar[output(net, op.b + 1)] = value_of(own)
    op.b == 0 || return nothing
    tangent_pullback!(gradient, model, net)
    for j in 1:op.d
        i = input(net, j)
        bar[program.terms[op.c + j]] += pair(model.dy_bar[i], model.y_bar[i])
    end
    return nothing
end

"""
What flows back to the operations `which` (in their `bar`) on to the state (`y_bar`) and the
parameters. The values of the last `run_program!` must be there.
"""
function program_back!(y_bar, gradient, ::Type{S}, model::Model{T}, which) where {S,T}
    work, program = work_of(model, S), model.system.program
    value, bar = work.value, work.bar
    @inbounds for i in Iterators.reverse(which)
        op, own = program.operations[i], bar[i]
        kind = op.kind
        if kind == OP_MULTIPLY
            bar[op.a] += own * value[op.b]
            bar[op.b] += own * value[op.a]
        elseif kind == OP_ADD
            bar[op.a] += own
            bar[op.b] += own
        elseif kind == OP_SUBTRACT
            bar[op.a] += own
            bar[op.b] -= own
        elseif kind == OP_DIVIDE
            part = own / value[op.b]
            bar[op.a] += part
            bar[op.b] -= part * value[i]
        elseif kind == OP_PARAMETER
            add!(gradient, op.a, own)
        elseif kind == OP_STATE
            add!(y_bar, op.a, own)
        elseif kind == OP_NETWORK
            network_back!(bar, gradient, model, program, op, own)
        elseif kind == OP_CHOICE
            bar[value[op.a] < value[op.b] ? op.c : op.d] += own
        elseif kind >= OP_EXP
            bar[op.a] += own * slope_at(op, model.system, value[op.a], value[i])
        end
    end
    return nothing
end

clear_bars!(work::ProgramWork{S}, which) where {S} =
    (@inbounds for i in which
        work.bar[i] = zero(S)
    end)

"dy/dt into `dy`."
function program_rhs!(dy, y, u, model::Model{T}) where {T}
    program = model.system.program
    value = run_program!(T, model, program.for_slopes, y, u)
    @inbounds for (j, place) in enumerate(program.slopes)
        dy[j] = value[place]
    end
    return nothing
end

function program_jacobian!(jacobian, y, u, model::Model{T}) where {T}
    program = model.system.program
    for along in eachindex(program.slopes)
        value = run_program!(Pair1{T}, model, program.for_slopes, y, u, along)
        @inbounds for (i, place) in enumerate(program.slopes)
            jacobian[i, along] = slope_of(value[place])
        end
    end
    return nothing
end

function program_pullback!(y_bar, gradient, y, u, bar, model::Model{T}, clamped::Bool) where {T}
    program = model.system.program
    run_program!(T, model, program.for_slopes, y, u)
    work = model.program
    clear_bars!(work, program.for_slopes)
    @inbounds for i in (clamped ? 2 : 1):length(bar)
        work.bar[program.slopes[i]] += bar[i]
    end
    return program_back!(y_bar, gradient, T, model, program.for_slopes)
end

"As `jacobian_pullback!`: column by column, the tangents along one state."
function program_jacobian_pullback!(
    y_bar, gradient, y, u, weights, by_stimulus, model::Model{T}, clamped::Bool
) where {T}
    program, work, n = model.system.program, model.program_pairs, length(y)
    first = clamped ? 2 : 1
    for along in 1:n
        any(i -> !iszero(weights[i, along]), first:n) || continue
        run_program!(Pair1{T}, model, program.for_slopes, y, u, along)
        clear_bars!(work, program.for_slopes)
        for i in first:n
            work.bar[program.slopes[i]] += pair(convert(T, weights[i, along]), zero(T))
        end
        program_back!(y_bar, gradient, Pair1{T}, model, program.for_slopes)
    end
    clamped || add!(
        gradient, model.system.c_m, -by_stimulus[1] * model.inverse_c[] * model.inverse_c[])
    return nothing
end

"The sum of the ionic currents."
function program_current(model::Model{T}, y) where {T}
    program = model.system.program
    return run_program!(T, model, program.for_current, y, zero(T))[last(program.currents)]
end

function program_current_pullback!(y_bar, gradient, model::Model{T}, y, bar::T) where {T}
    program = model.system.program
    program_current(model, y)
    clear_bars!(model.program, program.for_current)
    model.program.bar[last(program.currents)] += bar
    return program_back!(y_bar, gradient, T, model, program.for_current)
end
