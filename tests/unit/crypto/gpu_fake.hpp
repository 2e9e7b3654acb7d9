// A GPU that is none: the kernels themselves, compiled as C++ and run item by item, with faults to order.
//
// Everything above the seam runs as on a real device, and every byte that a kernel touches is the sanitizers' to see.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "crypto/gpu/seam.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/run_context.hpp"

namespace salvage::test::kernels {

// The kernels are in the dialect that OpenCL C, CUDA C++ and C++ share: casts and sums are C's.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wpedantic"
inline thread_local unsigned host_item = 0;
/// Four work items in step: contexts of one thread, each of which goes on where it stopped when its turn comes.
class Quad {
public:
    explicit Quad(std::function<void()> work) : work_{std::move(work)} {}

    /// Runs the work as the items first … first + 3.
    void run(unsigned first)
    {
        first_ = first;
        for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
            prepare(lanes_.at(lane), static_cast<int>(lane));
        }
        now_running_ = this;
        swapcontext(&whole_, &lanes_[0]);
    }
    /// What the item `from` of these four gives at the same place as this one gives `value`.
    static unsigned exchange(unsigned value, std::size_t from) { return now_running_->take(value, from); }

private:
    /// Makes `context` enter the work.  In its place: it holds pointers into itself.
    void prepare(ucontext_t& context, int lane)
    {
        const auto place = static_cast<std::size_t>(lane);
        stacks_.at(place).resize(std::size_t{1} << 18U);
        getcontext(&context);
        context.uc_stack.ss_sp = stacks_.at(place).data();
        context.uc_stack.ss_size = stacks_.at(place).size();
        context.uc_link = lane == 3 ? &whole_ : &lanes_.at(place + 1); // in step to the end
        makecontext(&context, reinterpret_cast<void (*)()>(enter), 1, lane);
    }
    static void enter(int lane)
    {
        host_item = now_running_->first_ + static_cast<unsigned>(lane);
        now_running_->work_();
    }
    unsigned take(unsigned value, std::size_t from)
    {
        given_.at(host_item & 3U) = value;
        let_others_go_on(); // all have given
        const auto taken = given_.at(from);
        let_others_go_on(); // all have taken
        return taken;
    }
    void let_others_go_on()
    {
        const auto item = host_item;
        swapcontext(&lanes_.at(item & 3U), &lanes_.at((item + 1) & 3U));
        host_item = item;
    }

    static inline thread_local Quad* now_running_ = nullptr;
    std::function<void()> work_;
    unsigned first_{0};
    std::array<unsigned, 4> given_{};
    std::array<std::vector<std::byte>, 4> stacks_;
    std::array<ucontext_t, 4> lanes_{};
    ucontext_t whole_{};
};

// In this order: each builds on the one before it.
#include "crypto/gpu/kernels/dialect.cl"
namespace sha1 {
#include "crypto/gpu/kernels/sha1.cl"

#include "crypto/gpu/kernels/pbkdf2.cl"
} // namespace sha1
#undef HASH_WORDS
#undef HASH_START
namespace sha256 {
#include "crypto/gpu/kernels/sha256.cl"

#include "crypto/gpu/kernels/pbkdf2.cl"
} // namespace sha256
#define SCRYPT_R_LOG2 0
namespace scrypt_r0 {
using sha256::hash_compress;
#include "crypto/gpu/kernels/scrypt.cl"
} // namespace scrypt_r0
#undef SCRYPT_R_LOG2
#define SCRYPT_R_LOG2 3
namespace scrypt_r3 {
using sha256::hash_compress;
#include "crypto/gpu/kernels/scrypt.cl"
} // namespace scrypt_r3
#undef SCRYPT_R_LOG2

/// Four work items to a Salsa20 matrix, as on NVIDIA's and AMD's cards.
#undef QUAD_LANES
#undef QUAD_FIRST
#undef TURN1
#undef TURN2
#undef TURN3
#undef ROW_QUAD
#define QUAD_LANES 4
#define QUAD_FIRST(x) Quad::exchange((x), 0)
#define TURN1(x) Quad::exchange((x), (host_item + 1) & 3U)
#define TURN2(x) Quad::exchange((x), (host_item + 2) & 3U)
#define TURN3(x) Quad::exchange((x), (host_item + 3) & 3U)
#define SCRYPT_R_LOG2 0
namespace scrypt_four {
typedef uint quad;
using sha256::hash_compress;
#include "crypto/gpu/kernels/scrypt.cl"
} // namespace scrypt_four
#undef SCRYPT_R_LOG2
#pragma GCC diagnostic pop

/// An argument as any driver gets it.
struct Value {
    void* pointer{nullptr};
    std::uint32_t number{0};
};

template <typename T>
T value_as(const Value& value)
{
    if constexpr (std::is_pointer_v<T>) {
        return static_cast<T>(value.pointer);
    } else {
        return value.number;
    }
}

template <typename... Parameters, std::size_t... I>
void call(void (*kernel)(Parameters...), std::span<const Value> values, std::index_sequence<I...> /*places*/)
{
    kernel(value_as<Parameters>(values[I])...);
}

/// A kernel by its name, and how its arguments are.
struct Kernel {
    std::string_view program;
    std::string_view name;
    std::size_t arguments{0};
    void (*run)(std::span<const Value>){nullptr};
    std::array<bool, 16> is_pointer{};
};

template <auto function, typename... Parameters>
Kernel describe(std::string_view program, std::string_view name, void (*)(Parameters...))
{
    return {
        .program = program,
        .name = name,
        .arguments = sizeof...(Parameters),
        .run = [](std::span<const Value> values) { call(function, values, std::index_sequence_for<Parameters...>{}); },
        .is_pointer = {std::is_pointer_v<Parameters>...}};
}

inline const std::vector<Kernel>& all()
{
    static const std::vector<Kernel> kernels{
        describe<sha1::pbkdf2_start>("pbkdf2_sha1", "pbkdf2_start", sha1::pbkdf2_start),
        describe<sha1::pbkdf2_loop>("pbkdf2_sha1", "pbkdf2_loop", sha1::pbkdf2_loop),
        describe<sha256::pbkdf2_start>("pbkdf2_sha256", "pbkdf2_start", sha256::pbkdf2_start),
        describe<sha256::pbkdf2_loop>("pbkdf2_sha256", "pbkdf2_loop", sha256::pbkdf2_loop),
        describe<scrypt_r0::scrypt_shape>("scrypt_r0", "scrypt_shape", scrypt_r0::scrypt_shape),
        describe<scrypt_r0::scrypt_load>("scrypt_r0", "scrypt_load", scrypt_r0::scrypt_load),
        describe<scrypt_r0::scrypt_fill>("scrypt_r0", "scrypt_fill", scrypt_r0::scrypt_fill),
        describe<scrypt_r0::scrypt_mix>("scrypt_r0", "scrypt_mix", scrypt_r0::scrypt_mix),
        describe<scrypt_r0::scrypt_finish>("scrypt_r0", "scrypt_finish", scrypt_r0::scrypt_finish),
        describe<scrypt_r3::scrypt_shape>("scrypt_r3", "scrypt_shape", scrypt_r3::scrypt_shape),
        describe<scrypt_r3::scrypt_load>("scrypt_r3", "scrypt_load", scrypt_r3::scrypt_load),
        describe<scrypt_r3::scrypt_fill>("scrypt_r3", "scrypt_fill", scrypt_r3::scrypt_fill),
        describe<scrypt_r3::scrypt_mix>("scrypt_r3", "scrypt_mix", scrypt_r3::scrypt_mix),
        describe<scrypt_r3::scrypt_finish>("scrypt_r3", "scrypt_finish", scrypt_r3::scrypt_finish),
        describe<scrypt_four::scrypt_shape>("scrypt_r0 of four", "scrypt_shape", scrypt_four::scrypt_shape),
        describe<scrypt_four::scrypt_load>("scrypt_r0 of four", "scrypt_load", scrypt_four::scrypt_load),
        describe<scrypt_four::scrypt_fill>("scrypt_r0 of four", "scrypt_fill", scrypt_four::scrypt_fill),
        describe<scrypt_four::scrypt_mix>("scrypt_r0 of four", "scrypt_mix", scrypt_four::scrypt_mix),
        describe<scrypt_four::scrypt_finish>("scrypt_r0 of four", "scrypt_finish", scrypt_four::scrypt_finish),
    };
    return kernels;
}

inline const Kernel* find(std::string_view program, std::string_view name)
{
    for (const auto& kernel : all()) {
        if (kernel.program == program && kernel.name == name) {
            return &kernel;
        }
    }
    return nullptr;
}

/// Requires: items divisible by four.
inline void run_by_fours(const Kernel& kernel, std::span<const Value> values, std::uint32_t items)
{
    Quad together{[&] { kernel.run(values); }};
    for (std::uint32_t first = 0; first < items; first += 4) {
        together.run(first);
    }
}

inline void run(const Kernel& kernel, std::span<const Value> values, std::uint32_t items)
{
    if (kernel.program.ends_with("of four")) {
        run_by_fours(kernel, values, items);
        return;
    }
    for (host_item = 0; host_item < items; ++host_item) {
        kernel.run(values);
    }
}

} // namespace salvage::test::kernels

namespace salvage::test {

/// A clock that only the fake moves.
class StillClock final : public Clock {
public:
    [[nodiscard]] std::chrono::nanoseconds now() const override { return time; }
    [[nodiscard]] std::chrono::seconds wall_time() const override { return std::chrono::seconds{0}; }
    std::chrono::nanoseconds time{0};
};

/// A device and its faults.  Outlives the driver made from it.
class FakeGpu {
public:
    FakeGpu()
    {
        set_name("Fake 3000");
        std::memcpy(properties.api.data(), "fake", 5);
        properties.memory_bytes = std::uint64_t{1} << 30U;
        properties.largest_buffer_bytes = properties.memory_bytes;
        properties.compute_units = 1;
        properties.word_lanes = 1;
        properties.group_items = 32;
    }
    FakeGpu(const FakeGpu&) = delete;
    FakeGpu& operator=(const FakeGpu&) = delete;

    void set_name(std::string_view name)
    {
        properties.name.fill('\0');
        std::ranges::copy(name.substr(0, properties.name.size()), properties.name.begin());
    }

    crypto::gpu::GpuProperties properties{};
    std::optional<std::size_t> fails_at_call; ///< counted over all calls that can fail
    std::size_t calls{0};
    std::uint64_t memory_really{~std::uint64_t{0}}; ///< allocations beyond fail
    std::uint64_t memory_used{0};
    std::size_t buffers{0};
    bool is_open{false};
    /// Called after each launch: the kernel's name and how many work items.
    std::function<void(std::string_view, std::uint32_t, std::span<const kernels::Value>)> after_launch;
    /// Called on what a read gives back.
    std::function<void(std::span<std::byte>)> on_read;
    std::string why{"as ordered"};
    std::string kernels_suffix; ///< " of four": the kernels that exchange registers

    [[nodiscard]] crypto::gpu::GpuDriver driver()
    {
        is_open = true;
        return {.context = this,
                .close = [](void* context) { of(context).is_open = false; },
                .properties = [](void* context, crypto::gpu::GpuProperties* into) { *into = of(context).properties; },
                .build = build,
                .allocate = allocate,
                .release = release,
                .write = write,
                .read = read,
                .clear = clear,
                .launch = launch,
                .why = [](void* context) { return of(context).why.c_str(); }};
    }

private:
    using Buffer = std::vector<std::byte>;

    static FakeGpu& of(void* context) { return *static_cast<FakeGpu*>(context); }
    static Buffer& of(crypto::gpu::GpuBuffer buffer) { return *static_cast<Buffer*>(buffer.object); }
    /// One more call that can fail; its status.
    int step() { return fails_at_call == calls++ ? -5 : 0; }

    static int build(void* context, const crypto::gpu::GpuProgram* program, const char* const* names, std::size_t count,
                     crypto::gpu::GpuKernel* into)
    {
        if (const int status = of(context).step(); status != 0) {
            return status;
        }
        for (std::size_t i = 0; i < count; ++i) {
            const auto* const kernel = kernels::find(program->name + of(context).kernels_suffix, names[i]);
            if (kernel == nullptr) {
                return -46;
            }
            into[i].object = const_cast<kernels::Kernel*>(kernel);
        }
        return 0;
    }
    static int allocate(void* context, std::uint64_t bytes, crypto::gpu::GpuBuffer* into)
    {
        auto& gpu = of(context);
        const int status = gpu.step();
        if (status != 0 || bytes > gpu.properties.largest_buffer_bytes || gpu.memory_used + bytes > gpu.memory_really) {
            return status != 0 ? status : -4;
        }
        gpu.memory_used += bytes;
        ++gpu.buffers;
        into->object = new Buffer(static_cast<std::size_t>(bytes), std::byte{0xEE});
        return 0;
    }
    static void release(void* context, crypto::gpu::GpuBuffer buffer)
    {
        const std::unique_ptr<Buffer> memory{&of(buffer)};
        of(context).memory_used -= memory->size();
        --of(context).buffers;
    }
    static int write(void* context, crypto::gpu::GpuBuffer into, const void* from, std::size_t bytes)
    {
        if (bytes > of(into).size()) {
            return -30;
        }
        std::memcpy(of(into).data(), from, bytes);
        return of(context).step();
    }
    static int read(void* context, crypto::gpu::GpuBuffer from, std::uint64_t offset, void* into, std::size_t bytes)
    {
        auto& memory = of(from);
        if (offset > memory.size() || bytes > memory.size() - offset) {
            return -30;
        }
        std::memcpy(into, memory.data() + offset, bytes);
        if (of(context).on_read) {
            of(context).on_read({static_cast<std::byte*>(into), bytes});
        }
        return of(context).step();
    }
    static int clear(void* /*context*/, crypto::gpu::GpuBuffer buffer, std::uint64_t bytes)
    {
        std::memset(of(buffer).data(), 0, static_cast<std::size_t>(bytes));
        return 0;
    }
    static int launch(void* context, crypto::gpu::GpuKernel kernel, const crypto::gpu::GpuArgument* arguments,
                      std::size_t count, std::uint32_t groups)
    {
        auto& gpu = of(context);
        const auto& what = *static_cast<const kernels::Kernel*>(kernel.object);
        std::vector<kernels::Value> values;
        for (std::size_t i = 0; i < count; ++i) {
            const bool is_buffer = arguments[i].kind == crypto::gpu::gpu_argument_buffer;
            if (i >= what.arguments || is_buffer != what.is_pointer.at(i)) {
                return -51; // a size that the kernel does not have
            }
            values.push_back(
                {.pointer = is_buffer ? of(arguments[i].buffer).data() : nullptr, .number = arguments[i].number});
        }
        if (count != what.arguments) {
            return -52;
        }
        const auto items = groups * gpu.properties.group_items;
        kernels::run(what, values, items);
        if (gpu.after_launch) {
            gpu.after_launch(what.name, items, values);
        }
        return gpu.step();
    }
};

} // namespace salvage::test
