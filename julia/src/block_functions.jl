# Functions of curves, for the elements of a block.

"The value of a curve that is no sum, product or power."
function block_other!(model::BlockModel{T}, node::Node, place::Int) where {T}
    system, values, v = model.system, model.curves, model.v
    own, kind = offset(T, place), node.kind
    if kind == NUMBER
        number = T(node.exponent)
        @vectorized for w in 1:width(T)
            values[own + w] = number
        end
    elseif kind == VOLTAGE
        @vectorized for w in 1:width(T)
            values[own + w] = v[w]
        end
    elseif kind == CHOICE
        a, b, yes, no = choice_offsets(T, system, node)
        @vectorized for w in 1:width(T)
            values[own + w] =
                ifelse(values[a + w] < values[b + w], values[yes + w], values[no + w])
        end
    elseif kind == EXP
        u, most = offset(T, system.slots[first(node.children)]), largest_exponent(T)
        @vectorized for w in 1:width(T)
            values[own + w] = branchless_exp(min(values[u + w], most))
        end
    else
        u = offset(T, system.slots[first(node.children)])
        @inbounds for w in 1:width(T)
            values[own + w] = T(function_value(node, system, values[u + w]))
        end
    end
    return nothing
end

@inline function choice_offsets(::Type{T}, system::System, node::Node) where {T}
    at = first(node.children) - 1
    return ntuple(i -> offset(T, system.slots[at + i]), 4)
end

"Its slope by v."
function block_other_slope!(slopes, model::BlockModel{T}, node::Node, place::Int) where {T}
    system, values = model.system, model.curves
    own, kind = offset(T, place), node.kind
    if kind == NUMBER || kind == VOLTAGE
        number = T(kind == VOLTAGE)
        @vectorized for w in 1:width(T)
            slopes[own + w] = number
        end
    elseif kind == CHOICE
        a, b, yes, no = choice_offsets(T, system, node)
        @vectorized for w in 1:width(T)
            slopes[own + w] =
                ifelse(values[a + w] < values[b + w], slopes[yes + w], slopes[no + w])
        end
    else
        u = offset(T, system.slots[first(node.children)])
        @inbounds for w in 1:width(T)
            along = T(function_slope(node, system, values[u + w], values[own + w]))
            slopes[own + w] = along * slopes[u + w]
        end
    end
    return nothing
end

"What flows back to it, on to others and to v."
function block_other_pullback!(bars::BlockBars{T}, model::BlockModel{T}, node::Node, place::Int) where {T}
    system, values, bar, v_bar = model.system, model.curves, bars.curves, bars.v
    own, kind = offset(T, place), node.kind
    if kind == VOLTAGE
        @vectorized for w in 1:width(T)
            v_bar[w] += bar[own + w]
        end
    elseif kind == CHOICE
        a, b, yes, no = choice_offsets(T, system, node)
        @inbounds for w in 1:width(T)
            below = values[a + w] < values[b + w]
            bar[(below ? yes : no) + w] += bar[own + w]
        end
    elseif kind != NUMBER
        u = offset(T, system.slots[first(node.children)])
        @inbounds for w in 1:width(T)
            along = T(function_slope(node, system, values[u + w], values[own + w]))
            bar[u + w] += bar[own + w] * along
        end
    end
    return nothing
end
