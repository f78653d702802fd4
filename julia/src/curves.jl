# The elementary curves of a neuron at one voltage, their sums, products and powers, and the
# way back. A loop over each form: their exponentials are evaluated as one vector.

"""
x = (v - v0)/k of the first `n` curves, and their exponentials: exp(x) of the first `rising`, kept
finite, and exp(-|x|) of the others.
"""
@inline function exponentials!(c::Curves{T,S}, model::Model{T}, v::S, rising::Int, n::Int) where {T,S}
    @inbounds for i in 1:n
        x = (v - model.v0[i]) * model.inverse_k[i]
        c.x[i] = x
        c.e[i] = exp(i <= rising ? min(x, LARGEST_EXPONENT) : -abs(x))
    end
    return nothing
end

@inline function exponentials!(
    c::Curves{Float64,Pair1{Float64}}, model::Model{Float64}, v::Pair1{Float64}, rising::Int,
    n::Int,
)
    plain = model.plain
    in_one_loop!(plain, model, value_of(v), n)
    @inbounds for i in 1:n
        x, e, along = plain.x[i], plain.e[i], slope_of(v) * model.inverse_k[i]
        steep = ifelse(
            i <= rising, Float64(x < LARGEST_EXPONENT), ifelse(x >= 0, -1.0, 1.0))
        c.x[i], c.e[i] = pair(x, along), pair(e, e * steep * along)
    end
    return nothing
end

"Values of all curves at `v` into `c`."
function curves!(c::Curves{T,S}, model::Model{T}, v::S) where {T,S}
    leaves = model.system.leaves
    n = last(leaves.linoids)
    x, e, values = c.x, c.e, c.value
    exponentials!(c, model, v, last(leaves.exponentials), n)
    @inbounds begin
        for i in leaves.exponentials
            values[i] = model.a[i] * e[i]
        end
        for i in leaves.sigmoids
            values[i] = model.a[i] * ifelse(x[i] >= 0, one(S), e[i]) / (1 + e[i])
        end
        for i in leaves.linoids
            values[i] = model.a[i] * model.k[i] * linoid(x[i], e[i])[1]
        end
        for i in leaves.constants
            values[i] = model.a[i]
        end
    end
    isempty(model.system.nodes) || nodes!(values, model.system, v)
    return nothing
end

function curves!(c::Curves{Float64,Float64}, model::Model{Float64}, v::Float64)
    leaves = model.system.leaves
    in_one_loop!(c, model, v, last(leaves.linoids))
    @inbounds for i in leaves.linoids
        abs(c.x[i]) < 2 * LINOID_SERIES || continue
        c.value[i] = model.a[i] * model.k[i] * linoid(c.x[i], c.e[i])[1]
    end
    @inbounds for i in leaves.constants
        c.value[i] = model.a[i]
    end
    isempty(model.system.nodes) || nodes!(c.value, model.system, v)
    return nothing
end

"""
The first `n` curves, all forms alike: a·numerator/(1 + sign·exp(-|x|)). A linoid loses digits
near x = 0 this way. A constant number of turns is what makes LLVM use whole vectors for a handful
of numbers, and one loop for all forms is faster than one for each.
"""
@inline function in_one_loop!(
    c::Curves{Float64,Float64}, model::Model{Float64}, v::Float64, n::Int
)
    x, e, values, a, v0, k = c.x, c.e, c.value, model.a, model.v0, model.k
    inverse_k, forms = model.inverse_k, model.forms
    for first in 0:BLOCK:(n - 1)
        @inbounds @simd ivdep for j in 1:BLOCK
            i = first + j
            z = (v - v0[i]) * inverse_k[i]
            p, rising = abs(z), forms.exponential[i] > 0
            up = ifelse(z > LARGEST_EXPONENT, LARGEST_EXPONENT, z)
            power = branchless_exp(ifelse(rising, up, -p))
            top = a[i] * ifelse(rising | (z < 0), power, 1.0)
            top *= ifelse(forms.linoid[i] > 0, k[i] * p, 1.0)
            x[i], e[i] = z, power
            values[i] = top / muladd(forms.sign[i], power, 1.0)
        end
    end
    return nothing
end

function nodes!(values::Vector{S}, system::System, v::S) where {S}
    slots, place = system.slots, length(system.leaves)
    @inbounds for node in system.nodes
        place += 1
        if !is_combined(node)
            values[place] = other_value(node, system, values, v)
            continue
        end
        children = node.children
        total = values[slots[first(children)]]
        if node.kind == POWER
            total = node.exponent == -1.0 ? inv(total) : total^node.exponent
        elseif node.kind == SUM
            for j in (first(children) + 1):last(children)
                total += values[slots[j]]
            end
        else
            for j in (first(children) + 1):last(children)
                total *= values[slots[j]]
            end
        end
        values[place] = total
    end
    return nothing
end

"""
What flows back to the curves (`c.bar`) on to their parameters and to v, which is returned.
"""
function curves_pullback!(gradient, c::Curves{T,S}, model::Model{T}) where {T,S}
    system = model.system
    leaves, v_bar = system.leaves, zero(S)
    isempty(system.nodes) || (v_bar += nodes_pullback!(c.bar, c.value, system))
    @inbounds begin
        for i in leaves.exponentials
            bar = c.bar[i]
            is_nothing(bar) && continue
            add!(gradient, leaves.place[i], bar * c.e[i])
            by_x = c.x[i] < LARGEST_EXPONENT ? bar * c.value[i] : zero(S)
            v_bar += through_x!(gradient, model, leaves.place[i], i, by_x, c.x[i], zero(S))
        end
        for i in leaves.sigmoids
            bar, e = c.bar[i], c.e[i]
            is_nothing(bar) && continue
            share = inv(1 + e)
            add!(gradient, leaves.place[i], bar * ifelse(c.x[i] >= 0, one(S), e) * share)
            by_x = bar * model.a[i] * e * share * share
            v_bar += through_x!(gradient, model, leaves.place[i], i, by_x, c.x[i], zero(S))
        end
        for i in leaves.linoids
            bar = c.bar[i]
            is_nothing(bar) && continue
            height, steepness = linoid(c.x[i], c.e[i])
            add!(gradient, leaves.place[i], bar * model.k[i] * height)
            by_x = bar * model.a[i] * model.k[i] * steepness
            by_k = bar * model.a[i] * height
            v_bar += through_x!(gradient, model, leaves.place[i], i, by_x, c.x[i], by_k)
        end
        for i in leaves.constants
            add!(gradient, leaves.place[i], c.bar[i])
        end
    end
    return v_bar
end

# Of a pair, ForwardDiff's `iszero` looks at the value alone.
@inline is_nothing(bar) = iszero(bar)
@inline is_nothing(bar::Pair1) = iszero(value_of(bar)) && iszero(slope_of(bar))

"From x = (v - v0)/k to v (returned), v0 and k; `by_k` is what else goes to k."
@inline function through_x!(gradient, model, place, i, by_x::S, x::S, by_k::S) where {S}
    v_bar = by_x * model.inverse_k[i]
    add!(gradient, place + 1, -v_bar)
    add!(gradient, place + 2, by_k - v_bar * x)
    return v_bar
end

"What flows back to sums, products, powers and functions on to the leaves; that of v is returned."
function nodes_pullback!(bar::Vector{S}, values::Vector{S}, system::System) where {S}
    slots = system.slots
    place, v_bar = length(system.leaves) + length(system.nodes), zero(S)
    @inbounds for n in length(system.nodes):-1:1
        node, own = system.nodes[n], bar[place]
        if !is_combined(node)
            v_bar += other_pullback!(bar, node, system, values, own, values[place])
        elseif node.kind == SUM
            for j in node.children
                bar[slots[j]] += own
            end
        elseif node.kind == POWER
            child = slots[first(node.children)]
            bar[child] += own * node.exponent * values[place] / values[child]
        else
            for j in node.children
                others = one(S)
                for k in node.children
                    k == j || (others *= values[slots[k]])
                end
                bar[slots[j]] += own * others
            end
        end
        place -= 1
    end
    return v_bar
end
