# Curves that are functions of other curves, v itself, or numbers.

"Functions that are the same for numbers and for numbers with a slope. NaN where there is no log."
@inline safe_log(u) = u > 0 ? log(u) : oftype(u, NaN)
@inline held_exp(u) = u < LARGEST_EXPONENT ? exp(u) : oftype(u, exp(LARGEST_EXPONENT))

"The value of a function of one curve at `u`."
@inline function function_value(node::Node, system::System, u)
    kind = node.kind
    kind == EXP && return held_exp(u)
    kind == LOG && return safe_log(u)
    kind == TANH_OF && return tanh(u)
    kind == LINOID_OF && return linoid(u, exp(-abs(u)))[1]
    return cubic(system.tables, table_number(node), u)
end

"Its derivative, where its value is `y`."
@inline function function_slope(node::Node, system::System, u, y)
    kind = node.kind
    kind == EXP && return u < LARGEST_EXPONENT ? y : zero(y)
    kind == LOG && return inv(u)
    kind == TANH_OF && return 1 - y * y
    kind == LINOID_OF && return linoid(u, exp(-abs(u)))[2]
    return cubic_slope(system.tables, table_number(node), u)
end

"The value of a curve that is no sum, product or power, from the values of others."
@inline function other_value(node::Node, system::System, values, v::S) where {S}
    kind, slots = node.kind, system.slots
    kind == NUMBER && return S(node.exponent)
    kind == VOLTAGE && return v
    @inbounds begin
        first_child = first(node.children)
        u = values[slots[first_child]]
        kind == CHOICE || return function_value(node, system, u)
        yes = u < values[slots[first_child + 1]]
        return values[slots[first_child + (yes ? 2 : 3)]]
    end
end

"What flows back to such a curve, `own` with the value `y`, on to others; that of v is returned."
@inline function other_pullback!(bar, node::Node, system::System, values, own::S, y::S) where {S}
    kind, slots = node.kind, system.slots
    kind == NUMBER && return zero(S)
    kind == VOLTAGE && return own
    @inbounds begin
        first_child = first(node.children)
        child = slots[first_child]
        u = values[child]
        if kind == CHOICE
            yes = u < values[slots[first_child + 1]]
            bar[slots[first_child + (yes ? 2 : 3)]] += own
        else
            bar[child] += own * function_slope(node, system, u, y)
        end
    end
    return zero(S)
end
