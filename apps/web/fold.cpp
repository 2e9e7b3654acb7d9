#include "fold.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <clocale>
#include <cwchar>
#include <cwctype>

namespace salvage::web {
namespace {

/// This thread's locale while it lives.
class WithLocale {
public:
    explicit WithLocale(locale_t wanted) noexcept : before_{::uselocale(wanted)} {}
    WithLocale(const WithLocale&) = delete;
    WithLocale& operator=(const WithLocale&) = delete;
    ~WithLocale() { ::uselocale(before_); }

private:
    locale_t before_;
};

locale_t utf8_locale() noexcept
{
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
}

std::string with_small_ascii(std::string_view text)
{
    std::string out{text};
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

} // namespace

std::string folded(std::string_view text)
{
    auto* const locale = utf8_locale();
    if (locale == nullptr || std::ranges::all_of(text, [](char c) { return static_cast<signed char>(c) >= 0; })) {
        return with_small_ascii(text);
    }
    const WithLocale here{locale};
    std::string out;
    out.reserve(text.size());
    std::mbstate_t reading{};
    while (!text.empty()) {
        wchar_t character{};
        // NOLINTNEXTLINE(concurrency-mt-unsafe): it has a state of its own
        const auto taken = std::mbrtowc(&character, text.data(), text.size(), &reading);
        std::array<char, MB_LEN_MAX> bytes{};
        std::mbstate_t writing{};
        if (taken == 0 || taken > text.size()) { // a NUL, or no UTF-8
            out += text.front();
            text.remove_prefix(1);
            reading = {};
            continue;
        }
        // NOLINTNEXTLINE(concurrency-mt-unsafe): so has this
        const auto made = std::wcrtomb(
            bytes.data(), static_cast<wchar_t>(std::towlower(static_cast<std::wint_t>(character))), &writing);
        out.append(bytes.data(), made <= bytes.size() ? made : 0);
        text.remove_prefix(taken);
    }
    return out;
}

} // namespace salvage::web
