// Half-remembered patterns as a keyspace.
#include <string>
#include <utility>

#include <fmt/format.h>

#include "password/keyspace.hpp"
#include "password/pattern_encoding.hpp"
#include "password/pattern_template.hpp"
#include "password/pattern_walk.hpp"
#include "password/text_check.hpp"
#include "salvage/password/remembered.hpp"

namespace salvage::password {
namespace {

/// Neither identity nor description shows the template: it is most of a secret.
class RememberedPattern final : public Keyspace {
public:
    RememberedPattern(TemplateNumbering numbering, std::string check, PatternEncoding encoding)
        : numbering_{std::move(numbering)}, check_{std::move(check)}, encoding_{encoding}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{numbering_.size()}; }

    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        SALVAGE_TRY(check_range(first, into.size(), size().value));
        if (into.empty()) {
            return std::size_t{0};
        }
        std::size_t filled = 0;
        PatternWalk walk{numbering_, [&](const Dots& pattern) {
                             encode(pattern, encoding_, into[filled].bytes);
                             into[filled++].is_rejected = false;
                             return filled < into.size();
                         }};
        walk.run(first);
        return filled;
    }

    [[nodiscard]] std::string encoding(std::uint64_t /*index*/) const override
    {
        return std::string{name_of(encoding_)};
    }

    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("{}:{}:remembered:{}:check={}", name_of(encoding_), numbering_.grid().side(),
                           numbering_.size(), check_);
    }

    [[nodiscard]] std::string description() const override
    {
        return fmt::format("{0}x{0} patterns that fit what is remembered, short ones first{1}",
                           numbering_.grid().side(), remark_on(encoding_));
    }

private:
    TemplateNumbering numbering_;
    std::string check_;
    PatternEncoding encoding_;
};

} // namespace

Result<KeyspacePtr> make_remembered_pattern(std::string_view dashed, unsigned side, PatternEncoding encoding)
{
    SALVAGE_TRY(check_side(side));
    auto pattern = SALVAGE_TRY(PatternTemplate::parse(dashed, side));
    auto numbering = SALVAGE_TRY(TemplateNumbering::make(std::move(pattern), side));
    TextCheck check;
    check.add(dashed);
    return KeyspacePtr{std::make_shared<const RememberedPattern>(std::move(numbering), check.finish(), encoding)};
}

} // namespace salvage::password
