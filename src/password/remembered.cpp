// Half-remembered passwords as a keyspace.
#include "salvage/password/remembered.hpp"

#include <utility>

#include <fmt/format.h>

#include "password/charset.hpp"
#include "password/remembered_numbering.hpp"
#include "password/text_check.hpp"

namespace salvage::password {
namespace {

/// Rises when the order changes: a session counts in this order.
constexpr unsigned order_version = 1;

/// What stands at a number follows from the automaton alone, so that is what the check is over.
std::string check_of(const Automaton& automaton)
{
    TextCheck out;
    for (const auto& state : automaton.states) {
        out.add(state.runs.size());
        for (const auto& run : state.runs) {
            out.add(run.bytes);
            out.add(run.target);
        }
        out.add(state.is_end ? 1U : 0U);
    }
    return out.finish();
}

/// Neither identity nor description shows the template: it is most of a secret.
class Remembered final : public ComputedKeyspace {
public:
    explicit Remembered(AutomatonNumbering numbering)
        : numbering_{std::move(numbering)}, check_{check_of(numbering_.automaton())}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{numbering_.size()}; }

    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("remembered:{}:check={}:order={}", numbering_.size(), check_, order_version);
    }

    [[nodiscard]] std::string description() const override
    {
        if (numbering_.shortest() == numbering_.longest()) {
            return fmt::format("what is remembered: {} bytes", numbering_.longest());
        }
        return fmt::format("what is remembered: {} to {} bytes, short ones first", numbering_.shortest(),
                           numbering_.longest());
    }

protected:
    void compute(std::uint64_t index, Candidate& into) const override { numbering_.write(index, into.bytes); }

private:
    AutomatonNumbering numbering_;
    std::string check_;
};

} // namespace

Result<KeyspacePtr> make_remembered(const RememberedSpec& spec)
{
    const auto custom = SALVAGE_TRY(parse_charsets(spec.charsets, MaskNotation::text));
    const auto whole = SALVAGE_TRY(parse_template(spec.text, custom).in("reading the template"));
    const auto longest = longest_candidate(whole, max_remembered_bytes);
    if (longest > max_remembered_bytes) {
        return invalid_argument("the template describes candidates that nobody types",
                                fmt::format("they have over {} bytes", max_remembered_bytes), "repeat less");
    }
    auto automaton = SALVAGE_TRY(build_automaton(whole));
    auto numbering = SALVAGE_TRY(AutomatonNumbering::make(std::move(automaton), longest));
    return KeyspacePtr{std::make_shared<const Remembered>(std::move(numbering))};
}

} // namespace salvage::password
