# Loops over the elements of a block as vector instructions.

"""
    @vectorized for w in 1:n
        …
    end

A loop whose turns do not depend on one another, without checks of bounds. Unlike `@simd` alone it
is never written out turn by turn before LLVM makes vector instructions of it, which then often
would be scalar ones.
"""
macro vectorized(loop)
    loop.head == :for || error("@vectorized: give a for loop")
    variable, range = loop.args[1].args
    range.args[1:2] == [:(:), 1] || error("@vectorized: give a range from 1 on")
    marker = Expr(:loopinfo, Symbol("julia.simdloop"), Symbol("julia.ivdep"),
        (Symbol("llvm.loop.unroll.disable"),))
    i, n = gensym(:i), gensym(:n)
    body = quote
        let $n = $(range.args[3]), $i = 0
            while $i < $n
                let $variable = $i + 1
                    $(loop.args[2])
                end
                $i += 1
                $marker
            end
        end
    end
    return esc(:(@inbounds $body))
end
