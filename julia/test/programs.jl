using HodgkinNeurons: JSON, Tables, is_program, jacobian!, jacobian_pullback!, program_steady_pullback!,
    pullback!, steady_state!, system_of, tables

const PROGRAM = JSON.parsefile(joinpath(@__DIR__, "programs", "every_part.json"))

"A table of JSON as Julia has it: what has several numbers for each row is (numbers, rows)."
function as_table(::Type{Vector{T}}, rows) where {T}
    return T[x === nothing ? NaN : x for x in rows]
end

function as_table(::Type{Matrix{T}}, rows, width::Int) where {T}
    return reduce(hcat, (T.(row) for row in rows); init=zeros(T, width, 0))
end

const WIDTHS = Dict(:table_grid => 2, :table_rows => 5, :gate_curves => 2, :gate_numbers => 6,
    :channel_places => 2, :factors => 2, :current_numbers => 3, :program_operands => 4)

function program_tables_of(data)
    values = map(fieldnames(Tables), fieldtypes(Tables)) do name, type
        given = data[String(name)]
        name == :box_numbers ? zeros(0, 3) :
        type <: Matrix ? as_table(type, given, WIDTHS[name]) :
        type <: Vector{<:Real} ? as_table(type, given) :
        type <: Vector ? String.(given) : type(given)
    end
    return Tables(values...)
end

const PROGRAM_TABLES = program_tables_of(PROGRAM["tables"])
const THETA = Float64.(PROGRAM["theta"])
bound(theta=THETA) = bind!(Model{Float64}(system_of(PROGRAM_TABLES)), theta)

"Central difference of a function of a vector along a direction."
function along(f, x, direction; h=1e-6)
    return (f(x .+ h .* direction) .- f(x .- h .* direction)) ./ (2h)
end

@testset "a program gives the slopes that Python does" begin
    model, y = bound(), Float64.(PROGRAM["y"])
    dy = zero(y)
    rhs!(dy, y, PROGRAM["u"], model)
    @test is_program(model.system) && !any(model.system.bounded)
    @test dy ≈ Float64.(PROGRAM["slopes"]) rtol = 1e-12
    @test isequal([getfield(tables(model.system), f) for f in fieldnames(Tables)],
        [getfield(PROGRAM_TABLES, f) for f in fieldnames(Tables)])
end

@testset "the derivatives of a program" begin
    y, u, rng = Float64.(PROGRAM["y"]), 3.0, MersenneTwister(3)
    n, model = length(y), bound()
    slopes(state, theta=THETA) = (dy = zeros(n); rhs!(dy, state, u, bound(theta)); dy)
    matrix(state, theta=THETA) = (j = zeros(n, n); jacobian!(j, state, u, bound(theta)); j)
    jacobian, by_y, by_theta = matrix(y), randn(rng, n) .* abs.(y), randn(rng, length(THETA)) .* abs.(THETA)
    @test jacobian * by_y ≈ along(slopes, y, by_y) rtol = 1e-6
    bar, weights = randn(rng, n) ./ max.(abs.(slopes(y)), 1e-6), randn(rng, n, n) ./ max.(abs.(jacobian), 1e-3)
    y_bar, gradient = zeros(n), zeros(length(THETA))
    pullback!(y_bar, gradient, y, u, bar, model, false)
    @test y_bar' * by_y ≈ bar' * along(slopes, y, by_y) rtol = 1e-6
    @test gradient' * by_theta ≈ bar' * along(theta -> slopes(y, theta), THETA, by_theta) rtol = 1e-6
    y_bar, gradient = zeros(n), zeros(length(THETA))
    jacobian_pullback!(y_bar, gradient, y, u, weights, zeros(n), model, false)
    @test y_bar' * by_y ≈ sum(weights .* along(matrix, y, by_y)) rtol = 1e-6
    moved = along(theta -> matrix(y, theta), THETA, by_theta)
    @test gradient' * by_theta ≈ sum(weights .* moved) rtol = 1e-6
end

@testset "the steady state of a program, and its way back" begin
    n, rng = length(PROGRAM["y"]), MersenneTwister(5)
    standing(theta) = steady_state!(zeros(n), -47.0, bound(theta))
    y = standing(THETA)
    @test y ≈ Float64.(PROGRAM["start"]) rtol = 1e-11
    bar, direction = randn(rng, n) ./ abs.(y), randn(rng, length(THETA)) .* abs.(THETA)
    gradient = zeros(length(THETA))
    program_steady_pullback!(gradient, -47.0, bar, bound())
    @test gradient' * direction ≈ bar' * along(standing, THETA, direction) rtol = 1e-6
end

@testset "programs that do not fit together are refused" begin
    for field in (:program_kind, :program_operands, :program_terms, :program_slopes, :program_start,
        :program_currents, :program_held), value in (-7, 1_000_000)
        other = copy(getfield(PROGRAM_TABLES, field))
        other[field == :program_operands ? findfirst(==(4), PROGRAM_TABLES.program_kind) * 4 - 3 : 1] = value
        changed_tables = Tables((f == field ? other : getfield(PROGRAM_TABLES, f) for f in fieldnames(Tables))...)
        @test_throws InputError system_of(changed_tables)
    end
end
