// Inside rescue: which partitions are not written, and why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace salvage::rescue {

/// A partition that a restore leaves alone.
struct WriteRule {
    std::string_view name; ///< lower case; a trailing "*" stands for any ending
    enum class Kind : std::uint8_t {
        never,        ///< not even where it is asked for
        unless_asked, ///< only where --also names it
    };
    Kind kind{Kind::never};
    std::string_view reason;
    std::string_view source;
};

/// The rule for a partition's name, in any case and with the marks of old scatter files; null: an ordinary partition.
[[nodiscard]] const WriteRule* write_rule_of(std::string_view name);
/// The rule for a region that no partition is written in; null: "user" and its like.
[[nodiscard]] const WriteRule* write_rule_of_region(std::string_view region);

/// Whether a rule keeps a partition from being written.
enum class AskedFor : bool { no, yes };
[[nodiscard]] constexpr bool forbids(const WriteRule* rule, AskedFor asked_for) noexcept
{
    return rule != nullptr && (rule->kind == WriteRule::Kind::never || asked_for == AskedFor::no);
}
/// The rule of a partition's region, else that of its name; null: an ordinary partition.
[[nodiscard]] const WriteRule* write_rule_of(std::string_view name, std::string_view region);

/// Lower case, without the marks of old scatter files ("__NODL_", "RSV_").
[[nodiscard]] std::string plain_name(std::string_view name);
/// "boot" of "boot_a".
[[nodiscard]] std::string_view without_slot(std::string_view name) noexcept;
/// Whether two names are one partition in an old and a new spelling (USRDATA, userdata).
[[nodiscard]] bool is_same_name(std::string_view left, std::string_view right);

} // namespace salvage::rescue
