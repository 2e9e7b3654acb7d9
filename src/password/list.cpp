// Given secrets in order, and keyspaces one after another.
#include "salvage/password/keyspace.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "password/keyspace.hpp"
#include "password/text_check.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

class List final : public ComputedKeyspace {
public:
    List(std::vector<SecretBytes> secrets, std::string description, std::string encoding)
        : secrets_{std::move(secrets)}, description_{std::move(description)}, encoding_{std::move(encoding)}
    {
        TextCheck check;
        for (const auto& secret : secrets_) {
            check.add(as_text(secret.expose()));
        }
        check_ = check.finish();
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{secrets_.size()}; }

    [[nodiscard]] std::string encoding(std::uint64_t /*index*/) const override { return encoding_; }

    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("list:{}:{}:check={}", encoding_, secrets_.size(), check_);
    }

    [[nodiscard]] std::string description() const override { return description_; }

private:
    void compute(std::uint64_t index, Candidate& into) const override
    {
        into.bytes = as_text(secrets_[index].expose());
    }

    std::vector<SecretBytes> secrets_;
    std::string description_;
    std::string encoding_;
    std::string check_;
};

class Range final : public Keyspace {
public:
    Range(KeyspacePtr inner, std::uint64_t begin, std::uint64_t end)
        : inner_{std::move(inner)}, begin_{begin}, size_{end - begin}
    {
    }
    [[nodiscard]] Candidates size() const noexcept override { return Candidates{size_}; }
    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        SALVAGE_TRY(check_range(first, into.size(), size_));
        return inner_->candidates(begin_ + first, into);
    }
    [[nodiscard]] std::string encoding(std::uint64_t index) const override { return inner_->encoding(begin_ + index); }
    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("range:{}-{}({})", begin_, begin_ + size_, inner_->identity());
    }
    [[nodiscard]] std::string description() const override
    {
        return fmt::format("{} of {}, from number {}", format_count(size_), inner_->description(),
                           format_count(begin_));
    }

private:
    KeyspacePtr inner_;
    std::uint64_t begin_;
    std::uint64_t size_;
};

class Chain final : public Keyspace {
public:
    Chain(std::vector<KeyspacePtr> parts, std::vector<std::uint64_t> ends)
        : parts_{std::move(parts)}, ends_{std::move(ends)}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{ends_.empty() ? 0 : ends_.back()}; }

    [[nodiscard]] bool is_open_ended() const noexcept override
    {
        return !parts_.empty() && parts_.back()->is_open_ended();
    }

    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        SALVAGE_TRY(check_range(first, into.size(), size().value));
        std::size_t filled = 0;
        while (filled < into.size()) {
            const auto at = first + filled;
            const auto part = part_of(at);
            const auto count =
                static_cast<std::size_t>(std::min<std::uint64_t>(into.size() - filled, ends_[part] - at));
            const auto got = SALVAGE_TRY(parts_[part]->candidates(at - start_of(part), into.subspan(filled, count)));
            filled += got;
            if (got < count) {
                break; // the end of an open-ended part, which is the last
            }
        }
        return filled;
    }

    [[nodiscard]] std::string encoding(std::uint64_t index) const override
    {
        if (index >= size().value) {
            return "text";
        }
        const auto part = part_of(index);
        return parts_[part]->encoding(index - start_of(part));
    }

    [[nodiscard]] std::string identity() const override { return joined("+", &Keyspace::identity); }
    [[nodiscard]] std::string description() const override { return joined(", then ", &Keyspace::description); }

private:
    /// The part that holds `index`.  Empty parts hold nothing: the first end beyond the index is never theirs.
    [[nodiscard]] std::size_t part_of(std::uint64_t index) const
    {
        return static_cast<std::size_t>(std::ranges::upper_bound(ends_, index) - ends_.begin());
    }
    [[nodiscard]] std::uint64_t start_of(std::size_t part) const { return part == 0 ? 0 : ends_[part - 1]; }

    [[nodiscard]] std::string joined(std::string_view separator, std::string (Keyspace::*text)() const) const
    {
        std::string out;
        for (const auto& part : parts_) {
            out += out.empty() ? "" : separator;
            out += (*part.*text)();
        }
        return out;
    }

    std::vector<KeyspacePtr> parts_;
    std::vector<std::uint64_t> ends_;
};

} // namespace

KeyspacePtr make_list(std::vector<std::string> secrets, std::string description, std::string encoding)
{
    std::vector<SecretBytes> kept;
    kept.reserve(secrets.size());
    for (auto& secret : secrets) {
        kept.push_back(SecretBytes::copy_of(as_bytes(secret)));
        wipe(std::as_writable_bytes(std::span{secret}));
    }
    return std::make_shared<const List>(std::move(kept), std::move(description), std::move(encoding));
}

KeyspacePtr make_range(KeyspacePtr keyspace, std::uint64_t begin, std::uint64_t end)
{
    return std::make_shared<const Range>(std::move(keyspace), begin, end);
}

Result<KeyspacePtr> make_chain(std::vector<KeyspacePtr> parts)
{
    std::vector<std::uint64_t> ends;
    std::uint64_t end = 0;
    for (const auto& part : parts) {
        if (part->is_open_ended()) {
            if (&part != &parts.back()) {
                return invalid_argument("a stream of candidates has to come last",
                                        "what follows it would have no number of its own");
            }
            ends.push_back(std::numeric_limits<std::uint64_t>::max());
            break;
        }
        const auto sum = checked_add(end, part->size().value);
        if (!sum) {
            return invalid_argument("these keyspaces are too large together",
                                    fmt::format("{} and {} candidates do not fit in 64 bits", end, part->size().value),
                                    "search them one after another");
        }
        end = *sum;
        ends.push_back(end);
    }
    return KeyspacePtr{std::make_shared<const Chain>(std::move(parts), std::move(ends))};
}

} // namespace salvage::password
