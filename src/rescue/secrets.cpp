// Encodings of secrets.  Facts: AOSP system/vold cryptfs.c of Android 5 (adjust_passwd tries 1-based digits, then raw
// bytes).
#include "salvage/rescue/secrets.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "salvage/core/bytes.hpp"
#include "salvage/io/sources.hpp"
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

constexpr ByteCount max_secret_file{1U << 20U};

Result<SecretBytes> read_whole(const std::filesystem::path& path)
{
    const auto file = SALVAGE_TRY(io::open_file(path).in("opening the secret file"));
    auto bytes = SALVAGE_TRY(io::read_all(*file, max_secret_file).in("reading the secret file"));
    auto secret = SecretBytes::copy_of(bytes);
    wipe(bytes);
    return secret;
}

bool is_key_size(std::size_t bytes) noexcept
{
    return bytes == 16 || bytes == 32 || bytes == 64;
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

ByteView without_newline(ByteView bytes) noexcept
{
    return !bytes.empty() && bytes.back() == std::byte{'\n'} ? bytes.first(bytes.size() - 1) : bytes;
}

Result<SecretBytes> read_secret_file(const std::filesystem::path& path)
{
    const auto whole = SALVAGE_TRY(read_whole(path));
    return SecretBytes::copy_of(without_newline(whole.expose()));
}

Result<SecretBytes> read_key_file(const std::filesystem::path& path)
{
    auto whole = SALVAGE_TRY(read_whole(path));
    // A raw key may end with the byte of a newline: only text loses it.
    auto hex = from_hex(as_text(without_newline(whole.expose())));
    if (hex.has_value() && is_key_size(hex->size())) {
        auto key = SecretBytes::copy_of(*hex);
        wipe(*hex);
        return key;
    }
    if (is_key_size(whole.size())) {
        return whole;
    }
    if (const auto without = without_newline(whole.expose()); is_key_size(without.size())) {
        return SecretBytes::copy_of(without);
    }
    return invalid_argument("the key file does not hold a key", "16, 32 or 64 bytes were expected, raw or as hex",
                            path.string());
}

} // namespace salvage::rescue
