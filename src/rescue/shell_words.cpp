#include "salvage/rescue/shell_words.hpp"

namespace salvage::rescue {

std::string shell_quoted(std::string_view word)
{
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+:,@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) {
        return std::string{word};
    }
    std::string out{"'"};
    for (const auto c : word) {
        out += c == '\'' ? std::string{R"('\'')"} : std::string(1, c);
    }
    return out + "'";
}

} // namespace salvage::rescue
