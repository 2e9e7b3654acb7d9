// Encodings of secrets.  Facts: AOSP system/vold cryptfs.c of Android 5 (adjust_passwd tries 1-based digits, then raw
// bytes).
#include "salvage/rescue/secrets.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "salvage/password/search.hpp"

namespace salvage::rescue {
namespace {

GivenSecret given(ByteView bytes, std::string encoding)
{
    return {.bytes = SecretBytes::copy_of(bytes), .encoding = std::move(encoding)};
}

bool may_be_pattern(ByteView secret)
{
    const auto text = as_text(secret);
    const bool are_dots = std::ranges::all_of(text, [](char c) { return c >= '1' && c <= '9'; });
    return are_dots && text.size() >= 4 && text.size() <= 9 &&
           std::set<char>(text.begin(), text.end()).size() == text.size();
}

} // namespace

std::vector<GivenSecret> encodings_of(ByteView secret)
{
    std::vector<GivenSecret> out;
    out.push_back(given(secret, "text"));
    if (may_be_pattern(secret)) {
        auto raw = SecretBytes::copy_of(secret);
        for (auto& dot : raw.expose_for_writing()) {
            dot = static_cast<std::byte>(std::to_integer<unsigned>(dot) - static_cast<unsigned>('1'));
        }
        out.push_back({.bytes = std::move(raw), .encoding = "pattern-raw"});
    }
    SecretBytes hex{secret.size() * 2};
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 0; i < secret.size(); ++i) {
        const auto value = std::to_integer<std::size_t>(secret[i]);
        hex.expose_for_writing()[2 * i] = static_cast<std::byte>(digits[value >> 4U]);
        hex.expose_for_writing()[2 * i + 1] = static_cast<std::byte>(digits[value & 0xFU]);
    }
    out.push_back({.bytes = std::move(hex), .encoding = "hex-text"});
    return out;
}

Result<std::vector<GivenSecret>> encodings_of_pattern(std::string_view dashed, unsigned side)
{
    std::vector<GivenSecret> out;
    out.push_back(
        given(as_bytes(SALVAGE_TRY(password::encode_pattern(dashed, side, password::PatternEncoding::digits))),
              "pattern-digits"));
    out.push_back(
        given(as_bytes(SALVAGE_TRY(password::encode_pattern(dashed, side, password::PatternEncoding::raw_zero))),
              "pattern-raw"));
    return out;
}

} // namespace salvage::rescue
