# Gradients by name. The package's own adjoint is the default for every size of problem: it costs
# about two forward solves, whatever the number of parameters. The methods of SciMLSensitivity are
# there to compare with, and are loaded only when one is asked for.

const SCIML_SENSITIVITY =
    Base.PkgId(Base.UUID("1ed8b502-d754-442c-8d5d-10ac956f44a1"), "SciMLSensitivity")

"As `loss_and_gradient!`, by the sensitivity method `name`; ends of windows only by the adjoint."
function gradient_by!(name::AbstractString, arguments...)
    name == "adjoint" && return loss_and_gradient!(arguments...)
    any(x -> x isa Options && x.single, arguments) && throw(InputError("dtype = \"float32\": " *
        "sensitivity = \"$name\" is there in double precision only; take \"adjoint\""))
    name == "forward" && return Base.invokelatest(forward_gradient!, arguments...)
    choose("sensitivity method", name, SENSITIVITIES)
    try
        Base.require(SCIML_SENSITIVITY)
    catch err
        err isa InterruptException && rethrow()
        throw(InputError("sensitivity \"$name\" needs the Julia package SciMLSensitivity, which " *
            "could not be loaded: add it to the Julia project, or take \"adjoint\""))
    end
    return Base.invokelatest(sciml_gradient!, Val(Symbol(name)), arguments...)
end

"The gradient by a method of SciMLSensitivity; the extension of that name has the methods."
function sciml_gradient! end
