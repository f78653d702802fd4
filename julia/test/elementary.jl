using HodgkinNeurons: activate, branchless_exp, curvature, linoid, logistic, slope, SILU,
    small_power, SOFTPLUS, TANH, factor!, solve_factored!, solve_transposed!
using ForwardDiff: ForwardDiff

@testset "elementary functions" begin
    x = range(-700, 700; length=20_001)
    @test maximum(x -> abs(branchless_exp(x) / exp(big(x)) - 1), x) < 2 * eps()
    @test 0 <= branchless_exp(-1e6) < 1e-300
    @test isnan(branchless_exp(NaN))
    @test small_power.(1.7, 1:7) ≈ 1.7 .^ (1:7)

    exact(x) = x == 0 ? big(1.0) : x / (1 - exp(-big(x)))
    for x in (-800.0, -30.0, -0.1001, -0.0999, -1e-9, 0.0, 1e-9, 0.0999, 0.1001, 30.0, 800.0)
        value, steepness = linoid(x, exp(-abs(x)))
        @test value ≈ exact(x) rtol = 1e-14 atol = 1e-300
        x == 0 && (@test steepness == 0.5)
        @test isfinite(steepness)
    end
    for x in (-20.0, -0.3, 0.0, 0.05, 2.0)
        @test linoid(x, exp(-abs(x)))[2] ≈
            ForwardDiff.derivative(x -> linoid(x, exp(-abs(x)))[1], x + 1e-300) rtol = 1e-9
    end
    @test logistic(-800.0) == 0.0 && logistic(800.0) == 1.0 && logistic(0.0) == 0.5

    for f in (TANH, SOFTPLUS, SILU), x in (-3.0, -0.2, 0.4, 5.0)
        y = activate(f, x)
        @test slope(f, x, y) ≈ ForwardDiff.derivative(x -> activate(f, x), x)
        @test curvature(f, x, y) ≈ ForwardDiff.derivative(
            x -> slope(f, x, activate(f, x)), x) atol = 1e-12
    end
end

@testset "small factorisation" begin
    rng = MersenneTwister(3)
    for n in (1, 2, 4, 7)
        a, b = randn(rng, n, n), randn(rng, n)
        factored, pivots = copy(a), zeros(Int, n)
        factor!(factored, pivots)
        @test a * solve_factored!(factored, pivots, copy(b)) ≈ b
        @test a' * solve_transposed!(factored, pivots, copy(b)) ≈ b
    end
end
