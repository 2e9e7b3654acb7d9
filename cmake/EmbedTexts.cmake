# cmake -DOUTPUT=FILE.cpp -DINPUTS="A;B;…" -P EmbedTexts.cmake: the texts of src/crypto/gpu/kernel_sources.hpp.
set(source "#include \"crypto/gpu/kernel_sources.hpp\"\n\n#include <array>\n\nnamespace salvage::crypto::gpu {\n\n")
set(table "")
set(count 0)
foreach(input IN LISTS INPUTS)
    file(READ "${input}" text)
    get_filename_component(name "${input}" NAME)
    string(APPEND table "        KernelText{\"${name}\", R\"kernel(${text})kernel\"},\n")
    math(EXPR count "${count} + 1")
endforeach()
string(APPEND source
    "std::span<const KernelText> kernel_texts() noexcept\n{\n    static constexpr std::array<KernelText, ${count}> texts{\n"
    "${table}    };\n    return texts;\n}\n\n} // namespace salvage::crypto::gpu\n")
file(WRITE "${OUTPUT}" "${source}")
