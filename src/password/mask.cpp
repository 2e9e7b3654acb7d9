// Masks as keyspaces.
#include "salvage/password/mask.hpp"

#include <utility>

#include <fmt/format.h>

#include "password/mask_list.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::password {
namespace {

constexpr ByteCount max_mask_file{4U << 20U}; // the largest published lists of masks have under 1 MiB

/// Neither identity nor description shows the mask: its literals may be most of a secret.
class Masks final : public ComputedKeyspace {
public:
    explicit Masks(MaskList list) : list_{std::move(list)}, check_{list_.check()} {}

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{list_.size()}; }

    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("mask:{}:{}:check={}", list_.masks(), list_.size(), check_);
    }

    [[nodiscard]] std::string description() const override
    {
        const auto length = list_.shortest() == list_.longest()
                                ? fmt::format("{}", list_.longest())
                                : fmt::format("{} to {}", list_.shortest(), list_.longest());
        const auto count = list_.masks() == 1 ? std::string{"a mask"} : format_count(list_.masks()) + " masks";
        return fmt::format("{} of {} place{}", count, length, list_.longest() == 1 ? "" : "s");
    }

protected:
    void compute(std::uint64_t index, Candidate& into) const override { list_.write(index, into.bytes); }

private:
    MaskList list_;
    std::string check_;
};

} // namespace

Result<KeyspacePtr> make_mask(const MaskSpec& spec)
{
    const auto custom = SALVAGE_TRY(parse_charsets(spec.charsets, spec.notation));
    MaskList list;
    SALVAGE_TRY(list.add(spec.mask, spec.notation, custom, spec.increment).in("reading the mask"));
    return KeyspacePtr{std::make_shared<const Masks>(std::move(list))};
}

Result<KeyspacePtr> make_mask_file(const MaskFileSpec& spec)
{
    const auto name = fmt::format("reading the mask file '{}'", printable(spec.path));
    const auto file = SALVAGE_TRY(io::open_file(spec.path).in(name));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_mask_file).in(name));
    auto list = SALVAGE_TRY(parse_mask_lines(as_text(bytes), spec.notation, spec.increment).in(name));
    return KeyspacePtr{std::make_shared<const Masks>(std::move(list))};
}

} // namespace salvage::password
