@testset "documents" begin
    squid = load(joinpath(DOCUMENTS, "squid_axon.json"))
    @test squid.system.states == ["v", "n", "m", "h"]
    @test squid.theta[select(squid, "na.g")] == [120.0]
    @test select(squid, "conductances") == select(squid, "k.g", "na.g", "l.g")
    @test occursin("squid_axon", sprint(show, squid))

    learned = load(joinpath(DOCUMENTS, "learned.json"))
    entry = only(filter(e -> e.name == "k.n.network.weight1", learned.entries))
    @test entry.shape == [2, 5]
    @test any(!=(0), learned.theta[HodgkinNeurons.places(entry)])
    for name in NAMES
        neuron = load(joinpath(DOCUMENTS, "$name.json"))
        @test length(neuron.theta) == neuron.system.n_parameters
        @test sum(length, neuron.entries) == length(neuron.theta)
    end

    message(f) = try
        f()
        ""
    catch err
        err isa InputError ? err.msg : rethrow()
    end
    @test occursin("no such file", message(() -> load("nowhere.json")))
    @test occursin("na.gg", message(() -> select(squid, "na.gg")))
    mktempdir() do folder
        file = joinpath(folder, "model.json")
        write(file, "{\"format\": \"other\"}")
        @test occursin("format", message(() -> load(folder)))
        write(file, "{ not json")
        @test occursin("JSON", message(() -> load(file)))
        text = read(joinpath(DOCUMENTS, "learned.json"), String)
        write(file, text)
        @test occursin("missing", message(() -> load(file)))
        weights = match(r"learned-[0-9a-f]+\.safetensors", text).match
        damaged = read(joinpath(DOCUMENTS, weights))
        damaged[end] ⊻= 0x01
        write(joinpath(folder, weights), damaged)
        @test occursin("damaged", message(() -> load(file)))
        write(file, replace(text, "\"version\": 1" => "\"version\": 99"))
        @test occursin("99", message(() -> load(file)))
    end
end
