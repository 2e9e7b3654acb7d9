#include "crypto/gpu/scrypt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "salvage/core/text.hpp"

namespace salvage::crypto::gpu {
namespace {

constexpr std::uint32_t digest_words = 8;
/// Work items that exchange registers must be whole groups of this many: NVIDIA's width.
constexpr std::uint32_t exchange_width = 32;

enum Kernel : std::uint8_t { kernel_shape, kernel_load, kernel_fill, kernel_mix, kernel_finish };
constexpr std::array<const char*, 5> kernel_names{"scrypt_shape", "scrypt_load", "scrypt_fill", "scrypt_mix",
                                                  "scrypt_finish"};

/// What the compiled program says of itself: its quad lanes.
Result<std::uint32_t> shape_of(Session& session, GpuKernel kernel, std::uint32_t r_log2)
{
    std::array<std::byte, 8> shape{};
    const auto memory = SALVAGE_TRY(session.allocate(ByteCount{shape.size()}));
    const std::array arguments{memory.argument()};
    SALVAGE_TRY(session.launch(kernel, arguments, 1));
    SALVAGE_TRY(session.read(memory, ByteOffset{0}, shape));
    const auto quad_lanes = load_le<std::uint32_t>(shape);
    const auto built_for = load_le<std::uint32_t>(ByteView{shape}.subspan(4));
    const bool is_whole = quad_lanes == 1 || session.properties().group_items % exchange_width == 0;
    if ((quad_lanes != 1 && quad_lanes != 4) || built_for != r_log2 || !is_whole) {
        return unsupported(fmt::format("{}: its compiled program is not the one we wrote", session.name()),
                           fmt::format("it says {} lanes and r = 2^{}, in groups of {}", quad_lanes, built_for,
                                       session.properties().group_items));
    }
    return quad_lanes;
}

} // namespace

Scrypt::Scrypt(Session& session, Pbkdf2& first, std::vector<GpuKernel> kernels, std::uint32_t quad_lanes,
               const ScryptSettings& settings)
    : session_{&session}, first_{&first}, kernels_{std::move(kernels)}, quad_lanes_{quad_lanes}, settings_{settings},
      fill_pace_{settings.launch_time}, mix_pace_{settings.launch_time}
{
}

Result<Scrypt> Scrypt::make(Session& session, Pbkdf2& first, std::uint32_t r_log2, const ScryptSettings& settings)
{
    auto kernels = SALVAGE_TRY(session.build({.kind = KdfKind::scrypt, .scrypt_r_log2 = r_log2}, kernel_names));
    const auto quad_lanes = SALVAGE_TRY(shape_of(session, kernels[kernel_shape], r_log2));
    return Scrypt{session, first, std::move(kernels), quad_lanes, settings};
}

std::optional<ScryptPlan> Scrypt::plan(ScryptFactors factors, std::uint32_t most_streams) const noexcept
{
    return plan_scrypt(session_->properties(), quad_lanes_, factors,
                       {.memory = settings_.memory, .gap_log2 = settings_.gap_log2, .most_streams = most_streams});
}

std::size_t Scrypt::batch_size(ScryptFactors factors) const noexcept
{
    const auto best = plan(factors, 0);
    return best ? std::max<std::size_t>(best->streams >> factors.p_log2, 1) : 1;
}

void Scrypt::set_gap(std::optional<unsigned> gap_log2)
{
    settings_.gap_log2 = gap_log2;
    tables_.clear();
}

Result<> Scrypt::allocate_tables()
{
    tables_.clear();
    for (std::uint32_t i = 0; i < plan_.buffers(); ++i) {
        const auto streams = std::min(plan_.streams_a_buffer, plan_.streams - (i * plan_.streams_a_buffer));
        tables_.push_back(SALVAGE_TRY(session_->allocate(ByteCount{streams * plan_.stream_table.value})));
    }
    const auto row = scrypt_row_bytes(factors_);
    SALVAGE_TRY(session_->reserve(saved_, ByteCount{plan_.streams * row}));
    SALVAGE_TRY(session_->reserve(going_, ByteCount{plan_.streams * row}));
    return session_->reserve(counts_, ByteCount{std::uint64_t{plan_.streams} * 8});
}

Result<> Scrypt::make_tables(ScryptFactors factors, std::uint32_t streams)
{
    if (!tables_.empty() && factors_ == factors && made_for_ >= streams) {
        return {};
    }
    factors_ = factors;
    for (auto most = streams; most > 0; most /= 2) {
        const auto wanted = plan(factors, most);
        if (!wanted) {
            break;
        }
        plan_ = *wanted;
        const auto allocated = allocate_tables();
        if (allocated) {
            made_for_ = streams;
            return {};
        }
        tables_.clear();
        if (allocated.error().code != ErrorCode::no_space) {
            return allocated.error();
        }
    }
    return unsupported(fmt::format("{}: not even one scrypt table fits its memory", session_->name()),
                       fmt::format("{} may be taken", format_size(settings_.memory)),
                       "another program may hold the rest; or take more of it (memory share)");
}

Result<> Scrypt::load(std::uint32_t lanes_used)
{
    const auto streams = std::uint64_t{lanes_used} * parts();
    const auto row = scrypt_row_bytes(factors_);
    SALVAGE_TRY(session_->reserve(rows_, ByteCount{streams * row}));
    const std::array arguments{first_->state().argument(), rows_.argument(), argument(first_->lanes()),
                               argument(lanes_used), argument(parts())};
    return session_->launch(kernels_[kernel_load], arguments, streams * row / 4);
}

GpuArgument Scrypt::table(std::size_t i) const
{
    return tables_[std::min(i, tables_.size() - 1)].argument();
}

Result<> Scrypt::fill(std::uint32_t first, std::uint32_t streams, const RunContext& context)
{
    const auto n = 1U << factors_.n_log2;
    const auto items = std::uint64_t{streams} * quad_lanes_;
    for (std::uint32_t from = 0; from < n;) {
        if (context.is_stopped()) {
            return cancelled("deriving keys");
        }
        const auto steps = fill_pace_.next(n - from, items);
        const auto begun = context.clock->now();
        const std::array arguments{rows_.argument(),
                                   table(0),
                                   table(1),
                                   table(2),
                                   table(3),
                                   argument(plan_.streams_a_buffer),
                                   argument(first),
                                   argument(streams),
                                   argument(factors_.n_log2),
                                   argument(plan_.gap_log2),
                                   argument(from),
                                   argument(from + steps)};
        SALVAGE_TRY(session_->launch(kernels_[kernel_fill], arguments, items));
        fill_pace_.learn(steps, items, context.clock->now() - begun);
        from += steps;
    }
    return {};
}

Result<Scrypt::MixLaunch> Scrypt::mix_once(std::uint32_t first, std::uint32_t streams, Start start,
                                           const RunContext& context)
{
    const auto n = 1U << factors_.n_log2;
    const auto items = std::uint64_t{streams} * quad_lanes_;
    const std::array<std::byte, 4> none{};
    SALVAGE_TRY(session_->write(answer_, none));
    const auto steps = mix_pace_.next(n, items);
    const auto begun = context.clock->now();
    const std::array arguments{rows_.argument(),
                               saved_.argument(),
                               going_.argument(),
                               counts_.argument(),
                               table(0),
                               table(1),
                               table(2),
                               table(3),
                               argument(plan_.streams_a_buffer),
                               argument(first),
                               argument(streams),
                               argument(factors_.n_log2),
                               argument(plan_.gap_log2),
                               argument(start == Start::fresh ? 1U : 0U),
                               argument(steps),
                               answer_.argument()};
    SALVAGE_TRY(session_->launch(kernels_[kernel_mix], arguments, items));
    mix_pace_.learn(steps, items, context.clock->now() - begun);
    std::array<std::byte, 4> unfinished{};
    SALVAGE_TRY(session_->read(answer_, ByteOffset{0}, unfinished));
    return MixLaunch{.steps = steps, .is_finished = load_le<std::uint32_t>(unfinished) == 0};
}

Result<> Scrypt::mix(std::uint32_t first, std::uint32_t streams, const RunContext& context)
{
    // A stream takes N to N * gap steps; a device that is not through by then is broken, not slow.
    const auto most_steps = std::uint64_t{1} << (factors_.n_log2 + plan_.gap_log2);
    for (std::uint64_t steps = 0; steps < most_steps;) {
        if (context.is_stopped()) {
            return cancelled("deriving keys");
        }
        const auto launch = SALVAGE_TRY(mix_once(first, streams, steps == 0 ? Start::fresh : Start::again, context));
        if (launch.is_finished) {
            return {};
        }
        steps += launch.steps;
    }
    return Error{.code = ErrorCode::io,
                 .what = fmt::format("{}: scrypt does not come to its end", session_->name()),
                 .why = fmt::format("it is not through after {} steps", most_steps),
                 .where = std::nullopt,
                 .hint = {},
                 .trail = {}};
}

Result<> Scrypt::mix_rows(std::uint32_t first, std::uint32_t streams, const RunContext& context)
{
    SALVAGE_TRY(fill(first, streams, context));
    return mix(first, streams, context);
}

Result<> Scrypt::finish(std::size_t key_bytes, std::uint32_t lanes_used, std::span<std::byte> keys)
{
    constexpr std::size_t digest_bytes = std::size_t{digest_words} * 4;
    const auto numbers = static_cast<std::uint32_t>((key_bytes + digest_bytes - 1) / digest_bytes);
    const auto lanes = first_->lanes();
    const auto bytes = std::size_t{lanes} * numbers * digest_bytes;
    SALVAGE_TRY(session_->reserve(answer_, ByteCount{bytes}));
    const std::array arguments{first_->state().argument(), rows_.argument(),  answer_.argument(), argument(lanes),
                               argument(lanes_used),       argument(parts()), argument(numbers)};
    // cppcheck-suppress redundantAssignment
    SALVAGE_TRY(session_->launch(kernels_[kernel_finish], arguments, std::uint64_t{lanes} * numbers));
    SecretBytes rows{bytes};
    SALVAGE_TRY(session_->read(answer_, ByteOffset{0}, rows.expose_for_writing()));
    unpack_keys(rows.expose(), digest_words, lanes, numbers, key_bytes, keys);
    return {};
}

Result<> Scrypt::derive(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys,
                        const RunContext& context)
{
    const auto lanes_used = static_cast<std::uint32_t>(secrets.size());
    const auto streams = lanes_used << job.factors.p_log2;
    SALVAGE_TRY(make_tables(job.factors, streams));
    const auto row_numbers =
        static_cast<std::uint32_t>(scrypt_row_bytes(job.factors) / (std::uint64_t{digest_words} * 4));
    SALVAGE_TRY(first_->start(job.salt, secrets, row_numbers << job.factors.p_log2));
    SALVAGE_TRY(load(lanes_used));
    SALVAGE_TRY(session_->reserve(answer_, ByteCount{4}));
    for (std::uint32_t first = 0; first < streams; first += plan_.streams) {
        SALVAGE_TRY(mix_rows(first, std::min(plan_.streams, streams - first), context));
    }
    return finish(job.key_bytes, lanes_used, keys);
}

} // namespace salvage::crypto::gpu
