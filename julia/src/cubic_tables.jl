# Curves that are given by knots: piecewise cubics with a continuous slope.

"""
Piecewise cubics: those of table i are the rows `bounds[i] + 1` to `bounds[i + 1]`, each the place
where it begins and four coefficients. The first holds below the first knot, the last above the
last one. `grid` has the first knot and 1/h of evenly spaced ones, or 0.
"""
struct CubicTables
    bounds::Vector{Int}
    grid::Matrix{Float64}
    rows::Matrix{Float64}
end

"One of them, from its knots with the values and slopes there; straight lines beyond if `linear`."
struct Cubic
    first::Float64
    inverse::Float64
    rows::Matrix{Float64}
end

function Cubic(x::Vector{Float64}, y::Vector{Float64}, slopes::Vector{Float64}, linear::Bool)
    n = length(x)
    n >= 2 && length(y) == n && length(slopes) == n && issorted(x; lt=<=) || throw(InputError(
        "a tabulated curve needs two knots or more, increasing, each with a value and a slope"))
    rows = zeros(5, n + 1)
    rows[1, 1], rows[1, 2:end] = x[1], x
    rows[2, 1], rows[2, 2:end] = y[1], y
    for i in 1:(n - 1)
        h = x[i + 1] - x[i]
        secant = (y[i + 1] - y[i]) / h
        rows[3, i + 1] = slopes[i]
        rows[4, i + 1] = (3.0 * secant - 2.0 * slopes[i] - slopes[i + 1]) / h
        rows[5, i + 1] = (slopes[i] + slopes[i + 1] - 2.0 * secant) / (h * h)
    end
    if linear
        rows[3, 1], rows[3, end] = slopes[1], slopes[end]
    end
    spacing = (x[end] - x[1]) / (n - 1)
    even = all(i -> abs(x[i] - (x[1] + spacing * (i - 1))) < 1e-9 * spacing, 1:n)
    return Cubic(x[1], even ? 1 / spacing : 0.0, rows)
end

CubicTables(tables::Vector{Cubic}) = CubicTables(
    cumsum([0; Int[size(table.rows, 2) for table in tables]]),
    reduce(hcat, ([table.first, table.inverse] for table in tables); init=zeros(2, 0)),
    reduce(hcat, (table.rows for table in tables); init=zeros(5, 0)))
CubicTables() = CubicTables([0], zeros(2, 0), zeros(5, 0))

"The column of `rows` for `u` in table `i`."
@inline function row_of(tables::CubicTables, i::Int, u)
    @inbounds begin
        before, knots = tables.bounds[i], tables.bounds[i + 1] - tables.bounds[i] - 1
        inverse = tables.grid[2, i]
        if inverse > 0
            place = (u - tables.grid[1, i]) * inverse
            place >= knots - 1 && return before + knots + 1
            return place >= 0 ? before + unsafe_trunc(Int, place) + 2 : before + 1
        end
        low, high = 0, knots + 1  # knots that are not above u: from `low` to `high - 1`
        while high - low > 1
            middle = (low + high) >> 1
            if u >= tables.rows[1, before + middle + 1]
                low = middle
            else
                high = middle
            end
        end
        return before + low + 1
    end
end

# Which piece it is depends on the value alone.
@inline row_of(tables::CubicTables, i::Int, u::Dual) = row_of(tables, i, value(u))

@inline function cubic(tables::CubicTables, i::Int, u)
    r, c = row_of(tables, i, u), tables.rows
    @inbounds d = u - c[1, r]
    return @inbounds c[2, r] + d * (c[3, r] + d * (c[4, r] + d * c[5, r]))
end

@inline function cubic_slope(tables::CubicTables, i::Int, u)
    r, c = row_of(tables, i, u), tables.rows
    @inbounds d = u - c[1, r]
    return @inbounds c[3, r] + d * (2 * c[4, r] + 3 * d * c[5, r])
end
