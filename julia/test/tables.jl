using HodgkinNeurons: Tables, network, system_of, tables

"Everything that a right-hand side and its derivatives give, at a few states."
function computed(system, theta)
    n, rng, found = n_states(system), MersenneTwister(7), Vector{Float64}[]
    model = bind!(Model{Float64}(system), theta)
    for v in (-71.0, -40.0, 13.0)
        y, bar, weights = [v; rand(rng, n - 1)], randn(rng, n), randn(rng, n, n)
        dy, jacobian = zeros(n), zeros(n, n)
        rhs!(dy, y, 3.0, model)
        jacobian!(jacobian, y, 3.0, model)
        y_bar, gradient = zeros(n), zeros(length(theta))
        pullback!(y_bar, gradient, y, 3.0, bar, model, false)
        jacobian_pullback!(y_bar, gradient, y, 3.0, weights, bar, model, false)
        append!(found, (dy, vec(jacobian), y_bar, gradient, steady_state!(zeros(n), v, model)))
    end
    return found
end

fields_of(t::Tables) = [getfield(t, name) for name in fieldnames(Tables)]

@testset "tables give the same equations: $name" for name in NAMES
    neuron = test_neuron(name)
    given = tables(neuron.system)
    again = system_of(given)
    @test all(isequal.(fields_of(tables(again)), fields_of(given)))
    @test isequal(computed(again, neuron.theta), computed(neuron.system, neuron.theta))
    @test (again.name, again.states) == (neuron.system.name, neuron.system.states)
    @test again.bounded == neuron.system.bounded && isequal(again.initial, neuron.system.initial)
    for (ours, theirs) in zip(again.networks, neuron.system.networks)
        @test ours.rows == theirs.rows && ours.places == theirs.places
        @test ours.transposed == theirs.transposed && ours.layers == theirs.layers
    end
end

"The tables with something else in the place of a field."
changed(t::Tables, field::Symbol, value) =
    Tables((name == field ? value : getfield(t, name) for name in fieldnames(Tables))...)

refused(t::Tables) = try
    system_of(t)
    ""
catch err
    err isa InputError ? err.msg : rethrow()
end

@testset "tables that do not fit together are refused: $name" for name in NAMES
    given = tables(test_neuron(name).system)
    for field in fieldnames(Tables)
        table = getfield(given, field)
        table isa Array || continue
        for i in eachindex(table)
            eltype(table) == Int || continue
            for value in (-7, 1_000_000)
                other = copy(table)
                other[i] = value
                # Any power will do; of a kind or a bound, none of these.
                field == :factors && iseven(i) && value > 0 && continue
                @test occursin("tables of a neuron", refused(changed(given, field, other)))
            end
        end
        field == :states && continue
        zero_row = zeros(eltype(table), 1, size(table, 2))
        longer = table isa Vector ? [table; zero(eltype(table))] : vcat(table, zero_row)
        @test occursin("tables of a neuron", refused(changed(given, field, longer)))
    end
    for (field, value) in ((:size, 0), (:c_m, 1_000_000), (:c_m, -2), (:states, String[]))
        @test occursin("tables of a neuron", refused(changed(given, field, value)))
    end
end
